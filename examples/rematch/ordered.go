package main

import (
	"context"
	"iter"
	"sync"
)

// waiting is how many results of one item may wait for their turn, and how many
// items a worker may be ahead of the output: the bound on memory.
const waiting = 32

// ordered works on items with several workers and hands on the results as if
// there were one: item by item, each item's results in the order they were given.
//
// work calls give for every result of an item; give returns false when the rest
// is not wanted. emit is called by one goroutine at a time. The first error of
// emit, or the end of ctx, ends everything and is returned. When ordered returns,
// all its goroutines have ended.
func ordered[T, R any](ctx context.Context, workers int, items iter.Seq[T],
	work func(ctx context.Context, item T, give func(R) bool), emit func(T, R) error) error {

	type job struct {
		item    T
		results chan R
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel(nil)

	jobs := make(chan job)
	queue := make(chan job, workers*waiting) // the same jobs, in order, for the output
	running.Go(func() {
		defer close(queue)
		defer close(jobs)
		for item := range items {
			j := job{item: item, results: make(chan R, waiting)}
			select {
			case queue <- j:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	})
	for range workers {
		running.Go(func() {
			for j := range jobs {
				work(ctx, j.item, func(r R) bool {
					select {
					case j.results <- r:
						return true
					case <-ctx.Done():
						return false
					}
				})
				close(j.results)
			}
		})
	}

	for j := range queue {
		for {
			var r R
			var more bool
			select {
			case r, more = <-j.results:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if !more {
				break
			}
			if err := emit(j.item, r); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}
