package exchange_test

import "net/http"

func serveDescriptors(c *consortium, w http.ResponseWriter, r *http.Request) []byte { return nil }
func serveVotes(c *consortium, w http.ResponseWriter, r *http.Request) []byte       { return nil }
