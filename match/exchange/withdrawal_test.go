package exchange_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/exchange"
)

// A withdrawal holds, whatever else of its record can't be read, and however the exchange writes that something is true.
func TestWithdrawalsOfMalformedRecords(t *testing.T) {
	threat := `{"data":[%s]}`
	stop := `{"count":1,"nextSetTimestamp":5,"hasMoreRecords":false,"hashRecords":[%s]}`
	tat := `{"next":null,"checkpoint":"5,1","results":[%s]}`
	stopID := "ImagePDQ:" + pdq(1)
	hash := `"signalType":"ImagePDQ","hashValue":"` + pdq(1) + `"`
	long := strings.Repeat("x", 2<<20)
	for name, test := range map[string]struct{ protocol, page, record, gone, aside string }{
		"descriptors":      {"threatexchange", threat, `{"id":"7","should_delete":true,"descriptors":"none"}`, "7", ""},
		"date":             {"threatexchange", threat, `{"id":"7","should_delete":"True","last_updated":[]}`, "7", ""},
		"not withdrawn":    {"threatexchange", threat, `{"id":"7","should_delete":false,"descriptors":"none"}`, "", "7"},
		"very long":        {"threatexchange", threat, `{"id":"7","should_delete":true,"note":"` + long + `"}`, "7", ""},
		"feedback":         {"stopncii", stop, `{` + hash + `,"hashStatus":"Withdrawn","CSPFeedbacks":{}}`, stopID, ""},
		"small letters":    {"stopncii", stop, `{` + hash + `,"hashStatus":"withdrawn"}`, stopID, ""},
		"cases":            {"stopncii", stop, `{` + hash + `,"hashStatus":"Deleted","caseNumbers":[]}`, stopID, ""},
		"all cases":        {"stopncii", stop, `{` + hash + `,"hashStatus":"Active","caseNumbers":{"1":"Withdrawn"},"hashRegions":1}`, stopID, ""},
		"a case is broken": {"stopncii", stop, `{` + hash + `,"hashStatus":"Active","caseNumbers":{"1":"Withdrawn","2":[]}}`, "", stopID},
		"a region":         {"stopncii", stop, `{` + hash + `,"hashStatus":"Active","hashRegions":1}`, "", stopID},
		"type":             {"tat", tat, `{"id":7,"deleted":true,"hash_digest":[]}`, "7", ""},
		"True":             {"tat", tat, `{"id":7,"deleted":"True","hash_digest":"ab"}`, "7", ""},
		"kept":             {"tat", tat, `{"id":7,"deleted":false,"hash_digest":[]}`, "", "7"},
	} {
		t.Run(test.protocol+" "+name, func(t *testing.T) {
			p := fixed(t, test.protocol, fmt.Sprintf(test.page, test.record)).one()
			assert.Empty(t, p.Records)
			if test.gone != "" {
				assert.Equal(t, []string{test.gone}, p.Gone)
				assert.Empty(t, p.Faults)
			} else {
				assert.Empty(t, p.Gone)
				require.Len(t, p.Faults, 1)
				assert.Equal(t, test.aside, p.Faults[0].ID, "what is kept of it is known by this")
			}
		})
	}
}

// A hash that can't be read any more is no reason to forget the entry: a record that has only such ones, and ones for later,
// is set aside.
func TestNCMECBrokenFingerprintsAreSetAside(t *testing.T) {
	p := fixed(t, "ncmec", `<queryResult><images><image><member id="1"/><id>a</id><fingerprints><md5>nothing</md5><pdna>abcd</pdna></fingerprints></image></images></queryResult>`).one()
	assert.Empty(t, p.Records)
	require.Len(t, p.Faults, 1)
	assert.Equal(t, "1-a", p.Faults[0].ID)
}

// What is small as it comes and large as it is held is refused.
func TestPagesThatGrow(t *testing.T) {
	fields := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"f%d":1,`, i)
		}
		return b.String()
	}
	for name, test := range map[string]struct {
		protocol, page string
		most           uint64 // bytes of memory that are ever taken for it
	}{
		"fields":     {"threatexchange", `{` + fields(200_000) + `"data":[]}`, 32 << 20},
		"attributes": {"ncmec", `<queryResult><images><image` + strings.Repeat(` a=""`, 500_000) + `/></images></queryResult>`, 32 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			c := fixed(t, test.protocol, test.page)
			var err error
			var at exchange.Checkpoint
			if test.protocol == "ncmec" { // a second, which is not asked for in shorter ranges
				at = fmt.Appendf(nil, `{"protocol":"ncmec","version":1,"scope":"test_Industry","from":%d,"end":%d,"span":1}`, start, start+1)
			}
			spent := allocated(func() { _, err = c.open().Next(context.Background(), at) })
			require.ErrorIs(t, err, exchange.ErrPage)
			assert.Less(t, spent/uint64(len(c.asked)), test.most)
		})
	}
	p := fixed(t, "threatexchange", `{"data":[{"id":"7","indicator":"a","type":"HASH_MD5","descriptors":{"data":[`+strings.Repeat("{},", 500_000)+`{}]}}]}`)
	var page *exchange.Page
	spent := allocated(func() { page = p.one() })
	require.Len(t, page.Faults, 1)
	assert.Less(t, spent, uint64(64<<20))
}
