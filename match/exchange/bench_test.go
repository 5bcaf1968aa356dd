package exchange

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPage reads a page of a thousand records of each protocol.
func BenchmarkPage(b *testing.B) {
	const n = 1000
	pages := map[string][2]string{
		"threatexchange": {`{"data":[`, `{"id":"%[1]d","indicator":"%[2]s","type":"HASH_PDQ","last_updated":1759990000,"should_delete":false,"descriptors":{"data":[{"id":"%[1]d","owner":{"id":"31337","name":"Harbour"},"status":"MALICIOUS","severity":"SEVERE","confidence":75,"tags":["group:gifct","video"],"reactions":[{"key":"HELPFUL","value":"4,5"}]}]}},`},
		"ncmec":          {`<queryResult><images>`, `<image><member id="42">Harbour</member><timestamp>2025-10-09T00:00:00Z</timestamp><id>e%[1]d</id><classification>A1</classification><fingerprints><md5>%032[1]x</md5><pdq>%[2]s</pdq><pdna>AAEC</pdna></fingerprints></image>`},
		"stopncii":       {`{"count":1000,"nextSetTimestamp":1700000000,"hasMoreRecords":false,"hashRecords":[`, `{"lastModtimestamp":1700000000,"signalType":"ImagePDQ","hashValue":"%[2]s","hashStatus":"Active","caseNumbers":{"c":"Active"},"CSPFeedbacks":[{"source":"Harbour","feedbackValue":"Blocked","tags":["x"]}]},`},
		"tat":            {`{"next":null,"checkpoint":"1,1","results":[`, `{"hash_digest":"%[2]s","algorithm":"PDQ","ideology":"far-right","file_type":"mp4","deleted":false,"updated_on":1700000000.25,"id":%[1]d},`},
		"list":           {"", "%[2]s\n"},
	}
	for _, name := range sortedKeys(pages) {
		var body bytes.Buffer
		body.WriteString(pages[name][0])
		for i := range n {
			fmt.Fprintf(&body, pages[name][1], i, fmt.Sprintf("%08x", 0x9e3779b1*uint32(i+1))+fuzzPDQ[8:])
		}
		page := bytes.TrimSuffix(body.Bytes(), []byte(","))
		page = append(page, map[string]string{"ncmec": "</images></queryResult>", "list": ""}[name]...)
		if name != "ncmec" && name != "list" {
			page = append(page, "]}"...)
		}
		b.Run("protocol="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var p *Page
				var err error
				switch name {
				case "threatexchange":
					p, _, _, err = parseThreatUpdates("page", page, nil)
				case "ncmec":
					var found *ncmecFound
					found, err = parseNCMEC("page", page, ncmecFilter{})
					require.NoError(b, err)
					p = found.page
				case "stopncii":
					p, _, err = parseStopNCII("page", page)
				case "tat":
					p, _, _, err = parseTAT("page", page)
				case "list":
					builder := newPage("list", "page")
					_, _, err = (&listFormat{protocol: "list"}).read(page, 0, 0, builder)
					require.NoError(b, err)
					p, err = builder.page()
				}
				require.NoError(b, err)
				require.Len(b, p.Records, n)
			}
		})
	}
}
