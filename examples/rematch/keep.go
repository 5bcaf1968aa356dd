package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/match/store"
)

// keeping is what the command line says of records of verdicts.
type keeping struct {
	url   string
	clean bool
}

func (k *keeping) add(c *cobra.Command) {
	c.Flags().StringVar(&k.url, "records", "", "keep a record of each verdict in the store at this `URL`: postgres://... or the path of a SQLite file")
	c.Flags().BoolVar(&k.clean, "records-clean", false, "keep a record of what matches nothing as well, not only the number")
}

// digests says of which files they are needed.
func (k *keeping) digests() screen.Whose {
	if k.url == "" {
		return screen.OfNone
	}
	return screen.OfMatched
}

// keeper keeps records, many at once. nil keeps nothing.
type keeper struct {
	s       *store.Store
	pending []*record.Record
	failed  error // after it nothing more is kept
}

// keepAtOnce is how many records are kept in one transaction.
const keepAtOnce = 256

func (k *keeping) open(ctx context.Context) (*keeper, error) {
	if k.url == "" {
		if k.clean {
			return nil, usagef("--records-clean: there is no --records")
		}
		return nil, nil
	}
	s, err := store.Open(ctx, k.url, store.Options{KeepClean: k.clean})
	if err != nil {
		return nil, err
	}
	return &keeper{s: s}, nil
}

// add keeps a verdict of a file by and by.
func (k *keeper) add(ctx context.Context, s *screen.Screener, path string, v *screen.Verdict, at time.Time) error {
	if k == nil {
		return nil
	}
	r, err := s.Record(v, screen.About{ID: uploadID(path), Screened: at})
	if err != nil {
		return err
	}
	if k.pending = append(k.pending, r); len(k.pending) < keepAtOnce {
		return nil
	}
	return k.flush(ctx)
}

// flush keeps what was added up to now. A program that is interrupted still has some seconds for it.
func (k *keeper) flush(ctx context.Context) error {
	if k == nil || k.failed != nil || len(k.pending) == 0 {
		return nil
	}
	by := store.Actor{Type: store.System, ID: "rematch scan"}
	_, _, err := k.s.Keep(ctx, by, k.pending...)
	if err != nil && ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, _, err = k.s.Keep(ctx, by, k.pending...)
	}
	if err != nil {
		k.failed = fmt.Errorf("the records of the last %s were not kept: %w", count(len(k.pending), "file", "files"), err)
		return k.failed
	}
	k.pending = k.pending[:0]
	return nil
}

// close keeps the rest, and returns what kept records from being kept.
func (k *keeper) close(ctx context.Context) error {
	if k == nil {
		return nil
	}
	_ = k.flush(ctx) // failed tells
	return errors.Join(k.failed, k.s.Close())
}

// uploadID is the path of a file as far as it can be an ID.
func uploadID(path string) string {
	if len(path) > record.MaxID || !utf8.ValidString(path) || strings.ContainsRune(path, 0) {
		return fmt.Sprintf("path-sha256:%x", sha256.Sum256([]byte(path)))
	}
	return path
}
