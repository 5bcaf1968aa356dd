package ffmpeg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/rematch-go/rematch/video"
)

var built struct {
	sync.Once
	dir, path string
	err       error
}

// cleanUp is called by TestMain.
func cleanUp() { _ = os.RemoveAll(built.dir) }

// prisoner builds the program that stands in for a decoder that a file took over. It
// is not this test binary, which needs terabytes of addresses under the race detector.
func prisoner(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "prisoner")
		if err != nil {
			built.err = err
			return
		}
		built.dir = dir
		built.path = filepath.Join(dir, "prisoner")
		build := exec.Command("go", "build", "-o", built.path, "./testdata/prisoner")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if errors.Is(built.err, exec.ErrNotFound) {
		t.Skip("no go command to build the test's program with")
	}
	require.NoError(t, built.err)
	return built.path
}

// guards are all that the kernel has.
func guards(t *testing.T) confinement {
	t.Helper()
	c, err := kernelGuards()
	require.NoError(t, err)
	return c
}

// jail is a Backend whose programs are the prisoner.
func jail(t *testing.T, confine confinement, o Options) *Backend {
	t.Helper()
	path := prisoner(t)
	may, err := newPermissions(path)
	require.NoError(t, err)
	return &Backend{ffmpeg: path, ffprobe: path, options: o, confine: confine, may: map[string]permissions{path: may}}
}

// attempt lets the prisoner try something, and returns what it said and how it ended.
func attempt(t *testing.T, ctx context.Context, b *Backend, input string, args ...string) (said string, end error) {
	t.Helper()
	p, err := b.start(ctx, b.confine, b.ffmpeg, args, input, b.limits(video.Limits{}.Defaults()))
	require.NoError(t, err)
	logRead := make(chan struct{})
	go func() {
		defer close(logRead)
		_, _ = io.Copy(io.Discard, p.Stderr)
	}()
	out, err := io.ReadAll(p.Stdout)
	require.NoError(t, err)
	<-logRead
	return strings.TrimSpace(string(out)), p.Wait()
}

// modes are what the kernel allows us, and what it would allow a user without
// privileges: the same without a namespace.
func modes(t *testing.T) map[string]confinement {
	t.Helper()
	full := guards(t)
	if full == (confinement{}) {
		t.Skip("this kernel has no guards")
	}
	user := full
	user.network = false
	return map[string]confinement{"full": full, "user": user}
}

func TestConfined(t *testing.T) {
	dir := t.TempDir()
	input, other := filepath.Join(dir, "input"), filepath.Join(dir, "other")
	for _, path := range []string{input, other} {
		require.NoError(t, os.WriteFile(path, []byte("content"), 0o600))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	abstract, err := net.Listen("unix", "@rematch-test-"+strconv.Itoa(os.Getpid()))
	require.NoError(t, err)
	defer abstract.Close()
	var calls atomic.Int32
	for _, l := range []net.Listener{listener, abstract} {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				calls.Add(1)
				c.Close()
			}
		}()
	}

	denied := map[string]struct {
		with func(c confinement) bool // the guards that must be there
		args []string
	}{
		"read":       {func(c confinement) bool { return c.landlock > 0 }, []string{"read", "/etc/passwd"}},
		"neighbour":  {func(c confinement) bool { return c.landlock > 0 }, []string{"read", other}},
		"parent":     {func(c confinement) bool { return c.landlock > 0 }, []string{"read", fmt.Sprintf("/proc/%d/environ", os.Getpid())}},
		"list":       {func(c confinement) bool { return c.landlock > 0 }, []string{"list", dir}},
		"list root":  {func(c confinement) bool { return c.landlock > 0 }, []string{"list", "/"}},
		"write":      {func(c confinement) bool { return c.landlock > 0 }, []string{"write", filepath.Join(dir, "new")}},
		"write tmp":  {func(c confinement) bool { return c.landlock > 0 }, []string{"write", "/dev/shm/rematch-test"}},
		"overwrite":  {func(c confinement) bool { return c.landlock > 0 }, []string{"overwrite", input}},
		"truncate":   {func(c confinement) bool { return c.landlock >= 3 }, []string{"truncate", input}},
		"remove":     {func(c confinement) bool { return c.landlock > 0 }, []string{"remove", other}},
		"run":        {func(c confinement) bool { return c.landlock > 0 }, []string{"run", "/bin/sh"}},
		"tcp":        {func(c confinement) bool { return c.seccomp }, []string{"connect", "tcp", listener.Addr().String()}},
		"udp":        {func(c confinement) bool { return c.seccomp }, []string{"connect", "udp", "127.0.0.1:53"}},
		"unix":       {func(c confinement) bool { return c.seccomp }, []string{"connect", "unix", abstract.Addr().String()}},
		"signal":     {func(c confinement) bool { return c.seccomp }, []string{"signal"}},
		"trace":      {func(c confinement) bool { return c.seccomp }, []string{"trace"}},
		"session":    {func(c confinement) bool { return c.seccomp }, []string{"session"}},
		"chmod":      {func(c confinement) bool { return c.seccomp }, []string{"chmod", other}},
		"times":      {func(c confinement) bool { return c.seccomp }, []string{"utimes", other}},
		"attribute":  {func(c confinement) bool { return c.seccomp }, []string{"xattr", other}},
		"limit us":   {func(c confinement) bool { return c.seccomp }, []string{"prlimit"}},
		"outlive":    {func(c confinement) bool { return c.seccomp }, []string{"pdeath"}},
		"slow us":    {func(c confinement) bool { return c.seccomp }, []string{"nice"}},
		"wake us":    {func(c confinement) bool { return c.seccomp }, []string{"fown"}},
		"fork":       {func(c confinement) bool { return c.seccomp }, []string{"fork"}},
		"run itself": {confinement.oneProcess, []string{"run", prisoner(t)}},
		"grow":       {func(c confinement) bool { return c.rlimits }, []string{"grow"}},
		"allocate":   {func(c confinement) bool { return c.rlimits }, []string{"allocate"}},
	}
	for mode, confine := range modes(t) {
		t.Run(mode, func(t *testing.T) {
			b := jail(t, confine, Options{})
			said, err := attempt(t, t.Context(), b, input, "read", input)
			require.NoError(t, err)
			assert.Equal(t, "done", said, "its input is readable")
			for name, d := range denied {
				t.Run(name, func(t *testing.T) {
					if !d.with(confine) {
						t.Skip("the guard against this is not available here")
					}
					said, err := attempt(t, t.Context(), b, input, d.args...)
					if name == "allocate" {
						var over *video.LimitError
						require.ErrorAs(t, err, &over)
						assert.Equal(t, video.LimitError{Limit: "memory", Max: 3 << 30}, *over)
						reason, ok := video.Reason(err)
						assert.True(t, ok)
						assert.Equal(t, "over_budget_memory", reason)
						return // it was stopped when its log said so
					}
					assert.Regexp(t, "permission denied|not permitted|file too large|file size limit", said)
					if name != "grow" { // for which the kernel may kill
						assert.NoError(t, err)
					}
				})
			}
		})
	}
	// Without guards all of it works: it is the guards that were tested.
	free := jail(t, confinement{}, Options{})
	for name, d := range denied {
		switch name {
		case "allocate", "remove", "truncate", "parent", "trace", "session", "attribute", "limit us", "slow us", "wake us":
			continue // destroys what others need, or depends on the machine
		}
		said, err := attempt(t, t.Context(), free, input, d.args...)
		require.NoError(t, err)
		if name != "run" { // a shell that is given nonsense
			assert.Equal(t, "done", said, name)
		}
	}
	assert.Eventually(t, func() bool { return calls.Load() >= 2 }, 10*time.Second, time.Millisecond)
	assert.EqualValues(t, 2, calls.Load(), "calls of the listeners: by the unguarded one only")
	_ = os.Remove("/dev/shm/rematch-test")
}

func TestProcessorTime(t *testing.T) {
	if !guards(t).rlimits {
		t.Skip("no limits here")
	}
	b := jail(t, guards(t), Options{CPU: time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := attempt(t, ctx, b, "/dev/null", "spin")
	assert.ErrorIs(t, err, video.ErrTimeout)
	assert.NoError(t, ctx.Err())
	reason, _ := video.Reason(err)
	assert.Equal(t, "timed_out", reason)
}

// What a decoder had in memory of an upload is left to no core dump.
func TestNoCoreDump(t *testing.T) {
	if !guards(t).rlimits {
		t.Skip("no limits here")
	}
	said, err := attempt(t, t.Context(), jail(t, guards(t), Options{}), "/dev/null", "dump")
	require.NoError(t, err)
	assert.Regexp(t, `^core dumps of [01] bytes$`, said)
}

func TestDeadlineOfTightLoop(t *testing.T) {
	b := jail(t, guards(t), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := b.start(ctx, b.confine, b.ffmpeg, []string{"spin"}, "/dev/null", b.limits(video.Limits{}.Defaults()))
	require.NoError(t, err)
	began := time.Now()
	time.AfterFunc(300*time.Millisecond, cancel)
	_, _ = io.ReadAll(p.Stdout)
	assert.ErrorIs(t, p.Wait(), context.Canceled)
	assert.Less(t, time.Since(began), time.Minute)
	assert.Empty(t, children(t))
}

// TestThreads: a restricted thread is never used for anything else, and ends.
func TestThreads(t *testing.T) {
	restricted := func() (n int) {
		tasks, err := filepath.Glob("/proc/self/task/*/status")
		require.NoError(t, err)
		require.NotEmpty(t, tasks)
		for _, task := range tasks {
			status, _ := os.ReadFile(task)
			if strings.Contains(string(status), "NoNewPrivs:\t1") || strings.Contains(string(status), "Seccomp:\t2") {
				n++
			}
		}
		return n
	}
	confine := guards(t)
	if restricted() > 0 || confine == (confinement{}) {
		t.Skip("this process is restricted itself, or can't be")
	}
	b := jail(t, confine, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var running []func() error
	for range 3 {
		p, err := b.start(ctx, b.confine, b.ffmpeg, []string{"wait"}, "/dev/null", limits{})
		require.NoError(t, err)
		running = append(running, p.Wait)
	}
	assert.Equal(t, 3, restricted(), "one thread for each process")
	// More threads than ever before must be made from unrestricted ones.
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			var ts unix.Timespec
			ts.Nsec = 20e6
			_ = unix.Nanosleep(&ts, nil)
			_, err := os.ReadFile("/proc/self/environ")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, 3, restricted())
	cancel()
	for _, wait := range running {
		assert.Error(t, wait())
	}
	assert.Eventually(t, func() bool { return restricted() == 0 }, 10*time.Second, 5*time.Millisecond)
}

// parentEnv makes this test binary a program that starts a prisoner and then hangs.
const parentEnv = "REMATCH_TEST_PARENT"

// beParent is called by TestMain, and reports whether it was meant.
func beParent() bool {
	path := os.Getenv(parentEnv)
	if path == "" {
		return false
	}
	all, err := kernelGuards()
	may, mayErr := newPermissions(path)
	if err = errors.Join(err, mayErr); err != nil {
		panic(err)
	}
	b := &Backend{ffmpeg: path, confine: all, may: map[string]permissions{path: may}}
	p, err := b.start(context.Background(), b.confine, path, []string{"wait"}, "/dev/null", limits{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, _ = io.Copy(os.Stdout, p.Stdout) // its number
	return true
}

func TestDiesWithParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"="+prisoner(t))
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, line)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, 0), "it runs")
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	assert.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ") || strings.Contains(string(stat), ") X ")
	}, 10*time.Second, 10*time.Millisecond)
}

func TestRequire(t *testing.T) {
	b := backend(t)
	var all []video.Guard
	for _, g := range b.Guards() {
		all = append(all, g.Guard)
		assert.NotEmpty(t, g.By)
	}
	assert.Contains(t, all, video.GuardDeadline)
	_, err := New(Options{Require: all})
	require.NoError(t, err)
	_, err = New(Options{Memory: -1, CPU: -1, Require: []video.Guard{video.GuardMemory, video.GuardDeadline, video.GuardCPU}})
	var missing *video.MissingGuardsError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, []video.Guard{video.GuardMemory, video.GuardCPU}, missing.Missing)
	assert.ErrorContains(t, err, "memory, cpu")
}

// TestOneThread: a decoder has the threads that it was given and no more, however many processors
// there are: each takes address space, of which there is a ceiling.
func TestOneThread(t *testing.T) {
	b := backend(t)
	v, err := b.ask()
	require.NoError(t, err)
	if m := releaseNumber.FindStringSubmatch(v.name); m == nil || len(m[1]) > 1 || m[1] > "5" {
		t.Skip("newer ones have a few for their own work, however many processors there are")
	}
	if runtime.NumCPU() < 2 {
		t.Skip("on one processor there would be one anyway")
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.Command(b.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=20",
		"-c:v", "mpeg4", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	c := video.Container{Path: path, Demuxer: "mov", Format: "mp4", Limits: video.Limits{}.Defaults()}
	info, err := b.Probe(t.Context(), c)
	require.NoError(t, err)
	var threads []string
	for _, err := range b.Frames(t.Context(), c, info, video.Request{MaxSide: 512}) {
		require.NoError(t, err)
		for _, stat := range children(t) { // it is there: it has more to write than a pipe holds
			_, rest, _ := strings.Cut(stat, ") ")
			threads = append(threads, strings.Fields(rest)[17])
		}
		break
	}
	assert.Equal(t, []string{"1"}, threads)
}

// TestTooLittleToStart: a ceiling under which ffmpeg does not even start is an error, and
// costs no guard.
func TestTooLittleToStart(t *testing.T) {
	b := backend(t)
	if !b.confine.rlimits {
		t.Skip("no limits here")
	}
	var err error
	for range 20 { // it may have ended before its ceiling was set
		if _, err = New(Options{FFmpeg: b.ffmpeg, FFprobe: b.ffprobe, Memory: 1 << 20}); err != nil {
			break
		}
	}
	require.ErrorContains(t, err, "raise Options.Memory")
	_, judged := video.Reason(err)
	assert.False(t, judged, "it is the fault of no upload")
}

// TestGuardsOnceMore: a kernel that could not answer is asked again.
func TestGuardsOnceMore(t *testing.T) {
	want := guards(t)
	tried.Lock()
	tried.done = false
	tried.Unlock()
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	restore := func() { assert.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) }
	t.Cleanup(restore)
	none := limit
	none.Cur = 3
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	_, err := New(Options{FFmpeg: "/bin/sh", FFprobe: "/bin/sh", Lazy: true})
	restore()
	assert.ErrorIs(t, err, unix.EMFILE)
	assert.Equal(t, want, guards(t))

	// The same of what a program is: one that can't be read is not taken for a script.
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	_, err = New(Options{FFmpeg: "/bin/sh", FFprobe: "/bin/sh", Lazy: true})
	restore()
	assert.ErrorIs(t, err, unix.EMFILE)
}

// TestMostGuards: no guard is given up that is not in the way.
func TestMostGuards(t *testing.T) {
	all := confinement{privileges: true, landlock: 3, seccomp: true, network: true, rlimits: true}
	failure := errors.New("it does not run")
	short := &video.Error{Err: &video.LimitError{Limit: "memory", Max: 1}}
	for _, c := range []struct {
		name  string
		fails func(c confinement, n int) error // at the nth try
		want  confinement
		err   error
		tries int
	}{
		{"runs", func(confinement, int) error { return nil }, all, nil, 1},
		{"not under landlock", func(c confinement, _ int) error {
			if c.landlock > 0 {
				return failure
			}
			return nil
		}, confinement{privileges: true, seccomp: true, network: true, rlimits: true}, nil, 3},
		{"not at first", func(_ confinement, n int) error {
			if n < 3 {
				return failure
			}
			return nil
		}, all, nil, 4},
		{"not under seccomp, and not at the third try", func(c confinement, n int) error {
			if c.seccomp || n == 3 {
				return failure
			}
			return nil
		}, confinement{privileges: true, landlock: 3, network: true, rlimits: true}, nil, 7},
		{"not with ceilings", func(c confinement, _ int) error {
			if c.rlimits {
				return failure
			}
			return nil
		}, confinement{privileges: true, landlock: 3, seccomp: true, network: true}, nil, 11},
		{"never", func(confinement, int) error { return failure }, all, failure, len(all.fallbacks())},
		{"no memory", func(confinement, int) error { return short }, all, short, 1},
		{"no file descriptors", func(confinement, int) error { return unix.EMFILE }, all, unix.EMFILE, 1},
		{"no time", func(confinement, int) error { return context.DeadlineExceeded }, all, context.DeadlineExceeded, 1},
	} {
		n := 0
		got, err := mostGuards(all, func(with confinement) error { n++; return c.fails(with, n) })
		assert.Equal(t, c.want, got, c.name)
		assert.ErrorIs(t, err, c.err, c.name)
		assert.Equal(t, c.tries, n, c.name)
	}
}

// TestMemory: 4K video decodes within the default ceiling of a budget that is just
// large enough for its pictures, and what does not fit is over the budget "memory".
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	b := backend(t)
	if !b.confine.rlimits {
		t.Skip("no limits here")
	}
	path := filepath.Join(t.TempDir(), "4k.mp4")
	out, err := exec.Command(b.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=3840x2160:r=25:d=1",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-refs", "16", "-pix_fmt", "yuv420p", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	c := video.Container{Path: path, Demuxer: "mov", Format: "mp4", Limits: video.Limits{Pixels: 3840 * 2160, Work: time.Minute}.Defaults()}
	info, err := b.Probe(t.Context(), c)
	require.NoError(t, err)
	decode := func(memory int64) (int, error) {
		b.options.Memory = memory
		n := 0
		for _, err := range b.Frames(t.Context(), c, info, video.Request{MaxSide: 64}) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	n, err := decode(0)
	require.NoError(t, err)
	assert.Equal(t, 25, n)
	var last error
	for memory := int64(192 << 20); ; memory += 128 << 20 {
		require.Less(t, memory, int64(baseMemory), "it never fits")
		n, err := decode(memory)
		if err == nil {
			assert.Equal(t, 25, n)
			break
		}
		var over *video.LimitError
		require.ErrorAs(t, err, &over, "with %d MiB after %d frames", memory>>20, n)
		assert.Equal(t, video.LimitError{Limit: "memory", Max: memory}, *over)
		last = err
	}
	assert.Error(t, last, "the smallest fits too")
}

// TestMemoryWatch: what a file says of itself is no failure.
func TestMemoryWatch(t *testing.T) {
	for log, want := range map[string]bool{
		"": false,
		"[error] Error while decoding stream #0:0: Cannot allocate memory\n":                                                              true,
		"[h264 @ 0x1] [error] get_buffer() failed":                                                                                        true,
		"[info] x\n[h264 @ 0x1] [error] Picture size 9x9 exceeds specified max pixel count 1\n[h264 @ 0x1] [error] get_buffer() failed\n": false,
		"[info]     title           : Cannot allocate memory\n":                                                                           false,
		"    title           : [x] std::bad_alloc\n":                                                                                      false,
		"ffmpeg: error while loading shared libraries: x: failed to map segment from y":                                                   true,
		strings.Repeat("x", 1000) + "Out of memory\n[fatal] Out of memory\n":                                                              true,
		strings.Repeat("x", 1000) + "Out of memory\n":                                                                                     false,
	} {
		stopped := false
		m := &memoryWatch{r: iotest.OneByteReader(strings.NewReader(log)), stop: func() { stopped = true }}
		back, err := io.ReadAll(m)
		require.NoError(t, err)
		assert.Equal(t, log, string(back))
		assert.Equal(t, want, m.failed(), log)
		assert.Equal(t, want, stopped, log)
	}
}

// TestMostlyTaken: a program that had taken most of what it may when it told of something wrong
// is held to have had too little.
func TestMostlyTaken(t *testing.T) {
	end := func(script string) *os.ProcessState {
		cmd := exec.Command("/bin/sh", "-c", script)
		_ = cmd.Run()
		return cmd.ProcessState
	}
	const ceiling = 800
	damaged := "[error] no frame!\n"
	for _, c := range []struct {
		name   string
		log    string
		taken  []int64 // at each look, the last for all later ones
		script string
		want   bool
	}{
		{"nearly all", damaged, []int64{700}, "exit 69", true},
		{"by a fault of its own", damaged, []int64{700}, "ulimit -c 0; kill -SEGV $$", true},
		{"not so much", damaged, []int64{699}, "exit 69", false},
		{"later", strings.Repeat(damaged, 3), []int64{600, 650, 650, 710}, "exit 69", true},
		{"ended by then", damaged, []int64{710, 0}, "exit 69", true},
		{"and went on", damaged, []int64{700}, "exit 0", true},
		{"killed", damaged, []int64{700}, "kill -KILL $$", false},
		{"nothing wrong", "[info] n:0 pts:0\n", []int64{700}, "exit 69", false},
		{"not known", damaged, []int64{0}, "exit 69", false},
	} {
		looks := 0
		m := &memoryWatch{r: strings.NewReader(c.log), stop: func() { t.Error("stopped") }, ceiling: ceiling,
			taken: func() int64 { looks++; return c.taken[min(looks, len(c.taken))-1] }}
		_, err := io.Copy(io.Discard, m)
		require.NoError(t, err)
		err = limits{memory: ceiling}.exceeded(end(c.script), m)
		assert.Equal(t, c.want, err != nil, "%s: %v", c.name, err)
	}
	// Which of two ceilings: one that was stopped for want of memory has not used its time up, however
	// much it had, and one that fails by itself has not either.
	both := limits{memory: ceiling, cpu: 1}
	var over *video.LimitError
	assert.ErrorAs(t, both.exceeded(end("kill -KILL $$"), &memoryWatch{decided: true}), &over)
	assert.ErrorIs(t, both.exceeded(end("kill -KILL $$"), &memoryWatch{}), video.ErrTimeout)
	assert.NoError(t, both.exceeded(end("ulimit -c 0; kill -SEGV $$"), &memoryWatch{}))
	taken, peak := addressSpace(os.Getpid())
	assert.Greater(t, taken(), int64(1<<20))
	require.NoError(t, peak.Close())
	assert.Zero(t, taken())
	taken, peak = addressSpace(-1)
	assert.Zero(t, taken())
	require.NoError(t, peak.Close())
}

// TestKilled: whom somebody else kills is not a damaged file.
func TestKilled(t *testing.T) {
	b := jail(t, guards(t), Options{})
	p, err := b.start(t.Context(), b.confine, b.ffmpeg, []string{"wait"}, "/dev/null", limits{})
	require.NoError(t, err)
	line, err := bufio.NewReader(p.Stdout).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	err = p.Wait()
	assert.ErrorContains(t, err, "killed")
	_, ok := video.Reason(err)
	assert.False(t, ok, "an operational error")
}

// TestWhatLeavesTheGroup: a process that left the group of a killed program, and keeps its
// pipes, holds nobody up.
func TestWhatLeavesTheGroup(t *testing.T) {
	setsid, err := exec.LookPath("setsid")
	if err != nil {
		t.Skip("no setsid here to leave a process group with")
	}
	const stays = 30 * time.Second
	script := filepath.Join(t.TempDir(), "leaver")
	text := fmt.Sprintf("#!/bin/sh\n%s sleep %v &\necho $!\nexec sleep %[2]v\n", setsid, stays.Seconds())
	require.NoError(t, os.WriteFile(script, []byte(text), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b := &Backend{}
	p, err := b.start(ctx, confinement{}, script, nil, "", limits{})
	require.NoError(t, err)
	out := bufio.NewReader(p.Stdout)
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	leaver, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	defer func() { _ = syscall.Kill(leaver, syscall.SIGKILL) }()
	require.Eventually(t, func() bool { // it has left
		group, err := syscall.Getpgid(leaver)
		return err == nil && group == leaver
	}, stays/2, 5*time.Millisecond)

	cancel()
	_, err = io.ReadAll(out)
	assert.ErrorIs(t, err, os.ErrClosed, "the pipe ends though somebody holds it")
	_, err = io.ReadAll(p.Stderr)
	assert.Error(t, err)
	assert.ErrorIs(t, p.Wait(), context.Canceled)
	assert.NoError(t, syscall.Kill(leaver, 0), "and it holds it still")
}
