package main

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/rematch-go/rematch/video"
)

var allFaults = []string{"cancel", "slow", "cut", "kill", "disk"}

const (
	pause    = 20 * time.Millisecond  // at most, between pieces of a slow upload
	piece    = 64 << 10               // bytes
	moment   = 300 * time.Millisecond // within which something happens to an upload
	fullTime = 100 * time.Millisecond // that the disk is full
	fullSize = 1 << 20                // bytes that a file may have on a full disk
)

// input is the upload of a file with a fault. closer may be nil.
func (l *load) input(path, fault string, r *rand.Rand, cancel context.CancelFunc) (in video.Input, closer func(), err error) {
	after := time.Duration(r.Int64N(int64(moment)))
	switch fault {
	case "cancel":
		t := time.AfterFunc(after, cancel)
		return video.File(path), func() { t.Stop() }, nil
	case "kill":
		t := time.AfterFunc(after, func() { l.weather.kill(after) })
		return video.File(path), func() { t.Stop() }, nil
	}
	// As a stream, as uploads come.
	f, err := os.Open(path)
	if err != nil {
		return video.Input{}, nil, err
	}
	closer = func() { _ = f.Close() }
	info, err := f.Stat()
	if err != nil {
		closer()
		return video.Input{}, nil, err
	}
	var body io.Reader = f
	switch fault {
	case "slow":
		body = &slowly{r: f, random: rand.New(rand.NewPCG(r.Uint64(), 0))}
	case "cut":
		body = io.MultiReader(io.LimitReader(f, r.Int64N(info.Size()+1)), broken{})
	case "disk":
		l.weather.fill()
	}
	return video.Reader(path, body), closer, nil
}

// slowly reads small pieces with pauses.
type slowly struct {
	r      io.Reader
	random *rand.Rand
}

func (s *slowly) Read(b []byte) (int, error) {
	time.Sleep(time.Duration(s.random.Int64N(int64(pause))))
	return s.r.Read(b[:min(len(b), piece)])
}

// broken is the end of a broken connection.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// weather is what happens to all uploads at once.
type weather struct {
	mu    sync.Mutex
	count int // of killed processes and full disks so far
	full  *time.Timer
}

func (w *weather) now() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// since reports whether something happened since then, or is going on.
func (w *weather) since(then int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count != then || w.full != nil
}

// kill kills one of the processes that this one has started, if there is any.
func (w *weather) kill(choice time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if all := children(); len(all) > 0 && killProcess(all[int(choice)%len(all)]) {
		w.count++
	}
}

// fill makes the disk full for a while.
func (w *weather) fill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full != nil || !limitFiles(fullSize) {
		return
	}
	w.count++
	w.full = time.AfterFunc(fullTime, w.clear)
}

// clear ends what goes on.
func (w *weather) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full != nil {
		w.full.Stop()
		limitFiles(-1)
		w.full = nil
		w.count++ // whoever began meanwhile has seen it
	}
}
