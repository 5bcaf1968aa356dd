package main

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func TestOrderedKeepsTheOrder(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, workers := range []int{1, 2, 7} {
		type pair struct{ item, result int }
		var got []pair
		err := ordered(t.Context(), workers, numbers(300), func(_ context.Context, i int, give func(int) bool) {
			time.Sleep(rand.N(100 * time.Microsecond))
			for r := range i % 5 * 20 { // none, and more than wait
				give(r)
			}
		}, func(i, r int) error {
			got = append(got, pair{i, r})
			return nil
		})
		require.NoError(t, err)
		var want []pair
		for i := range 300 {
			for r := range i % 5 * 20 {
				want = append(want, pair{i, r})
			}
		}
		assert.Equal(t, want, got, "%d workers", workers)
	}
}

func TestOrderedIsBounded(t *testing.T) {
	defer goleak.VerifyNone(t)
	var started atomic.Int64
	release := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- ordered(t.Context(), 2, numbers(100_000), func(_ context.Context, i int, give func(int) bool) {
			started.Add(1)
			if i == 0 {
				<-release // the output waits for this one
			}
			give(i)
		}, func(int, int) error { return nil })
	}()
	time.Sleep(100 * time.Millisecond)
	assert.LessOrEqual(t, started.Load(), int64(2*waiting+3))
	close(release)
	require.NoError(t, <-failed)
	assert.Equal(t, int64(100_000), started.Load())
}

func TestOrderedEndsWithTheErrorOfTheOutput(t *testing.T) {
	defer goleak.VerifyNone(t)
	full := errors.New("disk full")
	n := 0
	err := ordered(t.Context(), 3, numbers(1_000_000), func(_ context.Context, i int, give func(int) bool) {
		for give(i) { // a file that never ends
		}
	}, func(int, int) error {
		if n++; n == 10 {
			return full
		}
		return nil
	})
	assert.ErrorIs(t, err, full)
	assert.Equal(t, 10, n)
}

func TestOrderedEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	begin := time.Now()
	err := ordered(ctx, 2, numbers(1_000_000), func(ctx context.Context, _ int, give func(int) bool) {
		<-ctx.Done()
	}, func(int, int) error { return nil })
	assert.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(begin), 2*time.Second)
}
