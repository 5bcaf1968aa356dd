package match_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// An intro that two or eight known videos of different content share says nothing of any
// of them; a clip that they share by being copies of one another does.
func TestSharedIntros(t *testing.T) {
	r := seeded()
	s := time.Second
	for _, k := range []int{2, 3, 8} {
		intro, credits, clip, quoted := moving(r, 5*s), moving(r, 6*s), moving(r, 40*s), moving(r, 6*s)
		bank := match.Bank{Name: "series"}
		copies := match.Bank{Name: "copies"}
		quotes := match.Bank{Name: "quotes"}
		for i := range k {
			bank.Entries = append(bank.Entries, join(intro.recoded(r, 4), moving(r, 30*s), credits.recoded(r, 4)).entry(fmt.Sprint(i)))
			copies.Entries = append(copies.Entries, clip.recoded(r, 4).entry(fmt.Sprint(i)))
			quotes.Entries = append(quotes.Entries, join(moving(r, 20*s), quoted.recoded(r, 4), moving(r, 20*s)).entry(fmt.Sprint(i)))
		}
		whole := join(intro.recoded(r, 4), moving(r, 30*s))
		bank.Entries[0] = join(whole, credits.recoded(r, 4)).entry("0")
		m := newMatcher(t, match.Options{}, bank, copies, quotes)
		for _, c := range []struct {
			name          string
			upload        film
			matches, weak int
		}{
			{"the intro", intro.recoded(r, 4).then(r, 40*s), 0, k},
			{"the credits", join(moving(r, 40*s), credits.recoded(r, 4)), 0, k},
			{"an episode", whole.recoded(r, 4), 1, k - 1},
			{"some of an episode with its intro", whole.recoded(r, 4).cut(0, 9*s).then(r, 20*s), 1, k - 1},
			{"the beginning of the copies", clip.recoded(r, 4).cut(0, 6*s).then(r, 20*s), k, 0},
			{"the middle of the copies", clip.recoded(r, 4).cut(20*s, 25*s).then(r, 20*s), k, 0},
			{"what all quote", join(moving(r, 9*s), quoted.recoded(r, 4), moving(r, 9*s)), k, 0},
		} {
			t.Run(fmt.Sprintf("%d/%s", k, c.name), func(t *testing.T) {
				result, err := m.ScanVideo(c.upload.sampled(half, 0))
				require.NoError(t, err)
				assert.Len(t, result.Matches, c.matches)
				require.Len(t, result.Weak, c.weak)
				for _, w := range result.Weak {
					assert.Equal(t, []string{"common"}, w.Missing)
				}
			})
		}
	}
}

// Two different frames that agree, each at an offset of its own, are two title cards.
func TestCardsAtDifferentOffsetsAreWeak(t *testing.T) {
	r := seeded()
	s := time.Second
	opening, closing := still(r, moving(r, s)[0], 3*s, 2), still(r, moving(r, s)[0], 3*s, 2)
	known := join(opening, moving(r, 30*s), closing)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{known.entry("a")}})
	for name, upload := range map[string]film{
		"longer":  join(opening, moving(r, 45*s), closing),
		"shorter": join(opening, moving(r, 12*s), closing),
		"as long": join(opening, moving(r, 30*s), closing),
	} {
		t.Run(name, func(t *testing.T) {
			result, err := m.ScanVideo(upload.sampled(half, 0))
			require.NoError(t, err)
			require.Empty(t, result.Matches)
			require.Len(t, result.Weak, 1)
			assert.NotEmpty(t, result.Weak[0].Missing)
		})
	}
}

// The same speaker before the same wall after the same card: the card says nothing, and
// what follows agrees now and then. A copy agrees all along.
func TestSameSceneAfterTheSameCard(t *testing.T) {
	r := seeded()
	s := time.Second
	for range 5 {
		card, wall := moving(r, 4*s), random(r, hash.PDQ)
		film := join(card, scene(r, wall, 6*s, 4, 32))
		m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{
			film.entry("the speaker"), join(card.recoded(r, 4), moving(r, 6*s)).entry("another"),
		}})
		result, err := m.ScanVideo(join(card.recoded(r, 4), scene(r, wall, 6*s, 4, 32)).sampled(half, 0))
		require.NoError(t, err)
		assert.Empty(t, result.Matches)
		assert.Len(t, result.Weak, 2)

		result, err = m.ScanVideo(film.recoded(r, 4).sampled(half, 0))
		require.NoError(t, err)
		assert.Equal(t, []string{"known/the speaker"}, names(result.Matches))
	}
}
