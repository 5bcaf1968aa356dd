package consortium

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// The paths under /admin are of no consortium: they are for tests and for those who try.
// Parameters come in the query or in a form; answers are JSON.
//
//	GET  /admin/members                          who takes part, with credentials
//	GET  /admin/truth?protocol=&environment=     a record a line; format=plain: kind and value of those held
//	GET  /admin/received?protocol=               votes, feedback and submissions
//	GET  /admin/faults                           those set, and how many struck
//	POST /admin/faults?set=SPEC&clear=1          see ParseFaults; clear comes first
//	POST /admin/withdraw?hash=&protocol=         no protocol: in all
//	POST /admin/add?hash=&kind=pdq&protocol=
//	POST /admin/churn?n=100                      changes of all sorts
//	POST /admin/clock?advance=2h                 time moves on (or back): tokens, tombstones and paging URLs age
func (s *Server) routeAdmin() {
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) (any, error){
		"GET /admin/members":   func(http.ResponseWriter, *http.Request) (any, error) { return s.Members(), nil },
		"GET /admin/received":  s.adminReceived,
		"GET /admin/truth":     s.adminTruth,
		"GET /admin/faults":    s.adminFaults,
		"POST /admin/faults":   s.adminFaults,
		"POST /admin/withdraw": s.adminWithdraw,
		"POST /admin/add":      s.adminAdd,
		"POST /admin/churn":    s.adminChurn,
		"POST /admin/clock":    s.adminClock,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxBody)
			want := "Bearer " + s.o.AdminToken
			if s.o.AdminToken != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
				adminAnswer(w, http.StatusUnauthorized, map[string]string{"error": "the admin token is missing or wrong"})
				return
			}
			if err := r.ParseForm(); err != nil {
				adminAnswer(w, bodyStatus(err), map[string]string{"error": err.Error()})
				return
			}
			switch v, err := h(w, r); {
			case err != nil:
				adminAnswer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			case v != nil:
				adminAnswer(w, http.StatusOK, v)
			}
		})
	}
}

func adminAnswer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) adminReceived(_ http.ResponseWriter, r *http.Request) (any, error) {
	list := []Received{}
	for _, x := range s.Received() {
		if p := r.FormValue("protocol"); p == "" || p == x.Protocol {
			list = append(list, x)
		}
	}
	return list, nil
}

// adminTruth writes its answer itself, a line at a time.
func (s *Server) adminTruth(w http.ResponseWriter, r *http.Request) (any, error) {
	records, err := s.Truth(r.FormValue("protocol"), r.FormValue("environment"))
	if err != nil {
		return nil, err
	}
	plain := r.FormValue("format") == "plain"
	w.Header().Set("Content-Type", "application/x-ndjson")
	if plain {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	e := json.NewEncoder(w)
	for x := range records {
		if !plain {
			err = e.Encode(x)
		} else if x.Held {
			_, err = io.WriteString(w, x.Kind+" "+x.Value+"\n")
		}
		if err != nil {
			return nil, nil // the reader has gone, there is nobody to tell
		}
	}
	return nil, nil
}

func (s *Server) adminFaults(_ http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method == http.MethodPost {
		if _, err := ParseFaults(r.FormValue("set")); err != nil {
			return nil, err
		}
		if r.FormValue("clear") != "" {
			s.ClearFaults()
		}
		if err := s.Fault(r.FormValue("set")); err != nil {
			return nil, err
		}
	}
	set, struck := s.Faults()
	return map[string]any{"set": set, "struck": struck}, nil
}

func (s *Server) adminWithdraw(_ http.ResponseWriter, r *http.Request) (any, error) {
	return map[string]int{"withdrawn": s.Withdraw(r.FormValue("protocol"), r.FormValue("hash"))}, nil
}

func (s *Server) adminAdd(_ http.ResponseWriter, r *http.Request) (any, error) {
	kind := r.FormValue("kind")
	def(&kind, "pdq")
	lists, err := s.Add(r.FormValue("protocol"), Known{kind, r.FormValue("hash")})
	return map[string]int{"lists": lists}, err
}

// maxChurn bounds one request's changes.
const maxChurn = 1_000_000

func (s *Server) adminChurn(_ http.ResponseWriter, r *http.Request) (any, error) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil || n < 1 || n > maxChurn {
		return nil, fmt.Errorf("n must be 1 to %d", maxChurn)
	}
	s.Churn(n)
	return map[string]int{"changed": n}, nil
}

func (s *Server) adminClock(_ http.ResponseWriter, r *http.Request) (any, error) {
	by, err := time.ParseDuration(r.FormValue("advance"))
	if err != nil || by.Abs() > 10*365*24*time.Hour {
		return nil, errors.New("advance must be a time like 90m or -2h, at most ten years")
	}
	s.Advance(by)
	return map[string]time.Time{"now": s.Now().UTC()}, nil
}
