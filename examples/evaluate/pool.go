package main

import (
	"context"
	"sync"
)

// pool runs work(0..n-1) on so many workers until the first error. Each call has its
// worker's number.
func pool(ctx context.Context, workers, n int, work func(ctx context.Context, worker, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := range next {
				if err := work(ctx, w, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}
