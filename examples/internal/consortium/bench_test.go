package consortium_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
)

// BenchmarkPage is the serving of a page of a thousand records, without the network.
func BenchmarkPage(b *testing.B) {
	s, err := consortium.New(consortium.Options{Records: 10_000})
	require.NoError(b, err)
	you := s.Members()[0]
	te := url.Values{"access_token": {you.AppToken}, "limit": {"1000"}, "fields": {teFields}}
	for name, path := range map[string]string{
		"threatexchange": "/threatexchange/v21.0/" + consortium.PrivacyGroup + "/threat_updates?" + te.Encode(),
		"ncmec":          "/ncmec/industry/v2/entries", "stopncii": "/stopncii/v1/FetchHashes?pageSize=1000",
	} {
		b.Run("protocol="+name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
			r.SetBasicAuth(you.Username, you.Password)
			r.Header.Set("x-functions-key", you.FunctionKey)
			r.Header.Set("Ocp-Apim-Subscription-Key", you.SubscriptionKey)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
