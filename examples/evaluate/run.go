package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	_ "image/gif" // the formats that package edits posts
	_ "image/jpeg"
	_ "image/png"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/examples/evaluate/internal/edits"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// maxCompanions is how many distractors are kept in memory to be shown beside other
// pictures.
const maxCompanions = 32

// evaluation is one run.
type evaluation struct {
	edits   []edits.Edit
	seed    uint64
	limit   int // pictures of either folder; 0: all
	maxSide int
	workers int
	each    int  // transforms of each distractor; 0: all
	files   bool // screen the posted file, not its decoded pixels
	stderr  io.Writer

	known       []known
	distractors []source
	companions  []*image.RGBA // of the first distractors, shrunk
	index       map[string]int
	screener    *screen.Screener
	omitted     omissions
}

// load reads both folders and makes the bank.
func (e *evaluation) load(ctx context.Context, knownFolder, distractorFolder string) error {
	knownFiles, err := list(ctx, knownFolder)
	if err != nil {
		return err
	}
	others, err := list(ctx, distractorFolder)
	if err != nil {
		return err
	}
	knownFiles = e.unique("known", knownFiles, nil)
	others = e.unique("distractor", others, knownFiles)
	if e.limit > 0 {
		knownFiles, others = knownFiles[:min(e.limit, len(knownFiles))], others[:min(e.limit, len(others))]
	}

	bar := newProgress(e.stderr, "enrolling", len(knownFiles)+len(others))
	defer bar.close()
	enrolled := make([]*known, len(knownFiles))
	hashers := make([]pdq.Hasher, e.workers)
	err = pool(ctx, e.workers, len(knownFiles), func(ctx context.Context, w, i int) error {
		defer bar.step(1)
		k, err := enrol(ctx, knownFiles[i], &hashers[w])
		if err == nil {
			enrolled[i] = &k
			return nil
		}
		return e.leaveOut(ctx, "known", knownFiles[i], err)
	})
	if err != nil {
		return err
	}
	for _, k := range enrolled {
		if k != nil {
			e.known = append(e.known, *k)
		}
	}
	readable := make([]bool, len(others))
	companions := make([]*image.RGBA, min(len(others), maxCompanions))
	err = pool(ctx, e.workers, len(others), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		var err error
		if i < len(companions) {
			companions[i], err = others[i].shrunk(ctx, e.maxSide)
		} else {
			_, err = others[i].decode(ctx)
		}
		readable[i] = err == nil
		return e.leaveOut(ctx, "distractor", others[i], err)
	})
	if err != nil {
		return err
	}
	for i, s := range others {
		if readable[i] {
			e.distractors = append(e.distractors, s)
			if i < len(companions) {
				e.companions = append(e.companions, companions[i])
			}
		}
	}
	return e.enrolAll(knownFolder, distractorFolder)
}

// unique leaves out files that are the same as one before, or as one of the others.
func (e *evaluation) unique(role string, files, others []source) []source {
	seen := make(map[[32]byte]string)
	for _, s := range others {
		seen[s.sum] = "known picture " + s.Name
	}
	return slices.DeleteFunc(files, func(s source) bool {
		twin, double := seen[s.sum]
		if double {
			e.omitted.add(role, s, "the same file as "+twin)
		} else {
			seen[s.sum] = s.Name
		}
		return double
	})
}

// leaveOut notes a picture that can't be used. It returns errors that are not the
// picture's: a cancelled context, a disk that can't be read.
func (e *evaluation) leaveOut(ctx context.Context, role string, s source, err error) error {
	if err == nil {
		return nil
	}
	_, refused := video.Reason(err)
	if ctx.Err() != nil || !refused && !errors.Is(err, match.ErrLowQuality) && !errors.Is(err, errNoStill) {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	e.omitted.add(role, s, reason(err))
	return nil
}

// enrolAll makes the bank and checks that there is enough to measure with.
func (e *evaluation) enrolAll(knownFolder, distractorFolder string) error {
	needed := 1
	for _, edit := range e.edits {
		needed = max(needed, edit.Others+1) // a distractor is not shown beside itself
	}
	switch {
	case len(e.known) == 0:
		return fmt.Errorf("no picture in %s can be enrolled%s; give --known a folder of photographs", knownFolder, e.firstOmission())
	case len(e.distractors) < needed:
		return fmt.Errorf("%s has %d usable pictures and %d are needed%s; give --distractors more photographs, or choose transforms without collages with --transforms",
			distractorFolder, len(e.distractors), needed, e.firstOmission())
	}
	bank := match.Bank{Name: "known"}
	e.index = make(map[string]int)
	for i, k := range e.known {
		bank.Entries = append(bank.Entries, k.entry)
		e.index[k.Name] = i
	}
	matcher, err := match.New(match.Options{}, bank)
	if err != nil {
		return err
	}
	e.screener = screen.New(matcher, screen.Options{})
	return nil
}

func (e *evaluation) firstOmission() string {
	if all := e.omitted.sorted(); len(all) > 0 {
		return fmt.Sprintf(" (%d left out, among them %s: %s)", len(all), all[0].File, all[0].Reason)
	}
	return ""
}

// post makes the file that is posted for a picture and an edit; self is the
// picture's number among the distractors, or -1.
func (e *evaluation) post(dst *bytes.Buffer, edit edits.Edit, s source, m *image.RGBA, self int) error {
	h := fnv.New64a()
	_, _ = h.Write([]byte(edit.String()))
	r := rand.New(rand.NewPCG(s.seed(e.seed), h.Sum64()))
	var others []*image.RGBA
	if edit.Others > 0 {
		for _, i := range r.Perm(len(e.companions)) {
			if i != self && len(others) < edit.Others {
				others = append(others, e.companions[i])
			}
		}
	}
	dst.Reset()
	return edit.Post(dst, r, m, others)
}

// measure posts and judges everything.
func (e *evaluation) measure(ctx context.Context) (*result, error) {
	bar := newProgress(e.stderr, "screening", len(e.known)*len(e.edits)+len(e.distractors)*e.perDistractor())
	defer bar.close()
	partial := make([]tally, e.workers)
	judges := make([]judge, e.workers)
	for w := range partial {
		partial[w].rows = make([]row, len(e.edits))
		judges[w].evaluation = e
	}
	err := pool(ctx, e.workers, len(e.known)+len(e.distractors), func(ctx context.Context, w, i int) error {
		runtime.LockOSThread() // for cpuTime
		defer runtime.UnlockOSThread()
		q := query{known: i, distractor: -1}
		var s source
		if i < len(e.known) {
			s = e.known[i].source
		} else {
			q = query{known: -1, distractor: i - len(e.known)}
			s = e.distractors[q.distractor]
		}
		m, err := s.shrunk(ctx, e.maxSide)
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		for _, row := range e.rows(s, q) {
			edit := e.edits[row]
			q.row = row
			if err := e.post(&judges[w].file, edit, s, m, q.distractor); err != nil {
				return fmt.Errorf("%s, %s: %w", s.path, edit, err)
			}
			if err := judges[w].judge(ctx, q, &partial[w]); err != nil {
				return fmt.Errorf("%s, %s: %w", s.path, edit, err)
			}
			bar.step(1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e.sum(partial), nil
}

// perDistractor is after how many transforms each distractor is posted.
func (e *evaluation) perDistractor() int {
	if e.each == 0 {
		return len(e.edits)
	}
	return min(e.each, len(e.edits))
}

// rows chooses the edits of a picture, in their order.
func (e *evaluation) rows(s source, q query) []int {
	r := rand.New(rand.NewPCG(s.seed(e.seed), 0))
	all := r.Perm(len(e.edits))
	if q.distractor >= 0 {
		all = all[:e.perDistractor()]
	}
	slices.Sort(all)
	return all
}

// query is one posted picture.
type query struct {
	row        int // the edit
	known      int // which known picture it was made from, or -1
	distractor int // which distractor, or -1
}

// judge is what a worker keeps from picture to picture.
type judge struct {
	*evaluation
	file   bytes.Buffer
	hasher pdq.Hasher
}

// judge compares the posted file with the bank by every method.
func (j *judge) judge(ctx context.Context, q query, t *tally) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m, _, err := image.Decode(bytes.NewReader(j.file.Bytes()))
	if err != nil {
		return err
	}
	begin := cpuTime()
	var verdict screen.Verdict
	if j.files {
		verdict, err = j.screener.Screen(ctx, video.Bytes("posted", j.file.Bytes()))
	} else {
		verdict, err = j.screener.ScreenImage(m)
	}
	screened := cpuTime()
	if err != nil {
		return err
	}
	j.hasher.Sum(m)
	hashed := cpuTime()
	hashes, quality, err := plainHashes(&j.hasher, m)
	if err != nil {
		return err
	}

	row := &t.rows[q.row]
	row.cpu += screened - begin
	row.plainCPU += hashed - screened
	row.queries++
	if verdict.Outcome == screen.NotJudged {
		row.refused++
	}
	for _, found := range verdict.Matches {
		k, banked := j.index[found.Entry.ID]
		switch {
		case !banked:
			return fmt.Errorf("the library matched %q, which is not in the bank", found.Entry.ID)
		case k == q.known:
			row.found++
			t.found = append(t.found, q)
		default:
			row.wrong++
			t.wrong = append(t.wrong, wrong{q, k, found.Evidence.Distance, strings.Join(found.Evidence.Transform, " ")})
		}
	}
	if q.known >= 0 {
		row.copies++
	}
	if !quality.Passes(hash.DefaultGate) {
		return nil
	}
	for b, h := range hashes {
		for k := range j.known {
			d, ok := h.Distance(j.known[k].hashes[b])
			switch {
			case !ok:
				return fmt.Errorf("%s: no hash to compare", j.known[k].path)
			case k == q.known:
				row.own[b][d]++
				if b == plainPDQ && d <= hash.PDQ.Threshold() {
					t.plain = append(t.plain, q)
				}
			default:
				row.unrelated[b][d]++
			}
		}
	}
	return nil
}
