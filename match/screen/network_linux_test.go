package screen_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// insideEnv tells the test that it runs in the empty network.
const insideEnv = "REMATCH_TEST_NO_NETWORK"

// TestNoNetwork: from bytes to verdict no network is needed. It runs itself again in a
// network namespace in which there is nothing, not even a loopback that is up, and the
// verdicts are the same.
func TestNoNetwork(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		_, err := net.DialTimeout("udp", "127.0.0.1:53", time.Second)
		require.ErrorIs(t, err, syscall.ENETUNREACH, "the namespace is empty")
		t.Log("verdicts: " + strings.Join(verdicts(t), " "))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoNetwork$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("no user and network namespaces here: %v", err)
	}
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "verdicts: "+strings.Join(verdicts(t), " ")+"\n")
}

// verdicts screens pictures, a video, and a picture that the video stands behind.
func verdicts(t *testing.T) (tokens []string) {
	t.Helper()
	known := filepath.Join("..", "..", "testdata", "known")
	ctx := context.Background()
	var o screen.Options
	names := []string{"flowers.jpg", "market.webp"}
	backend, err := ffmpeg.New(ffmpeg.Options{})
	if err == nil {
		o.Video.Backend = backend
		names = append(names, "street-walk.mp4")
	} else {
		require.ErrorIs(t, err, ffmpeg.ErrNotInstalled)
	}
	entry, err := screen.Enroll(ctx, video.File(filepath.Join(known, "flowers.jpg")), nil, o)
	require.NoError(t, err)
	m, err := match.New(match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{entry}})
	require.NoError(t, err)
	s := screen.New(m, o)
	for _, name := range names {
		v, err := s.Screen(ctx, video.File(filepath.Join(known, name)))
		require.NoError(t, err)
		tokens = append(tokens, name+"="+v.Outcome.String())
	}
	var both []byte
	for _, name := range names[1:] {
		b, err := os.ReadFile(filepath.Join(known, name))
		require.NoError(t, err)
		both = append(both, b...)
	}
	v, err := s.Screen(ctx, video.Bytes("both", both))
	require.NoError(t, err)
	tokens = append(tokens, "both="+v.Outcome.String())
	for _, m := range v.Media {
		tokens = append(tokens, m.Format+"="+m.Outcome.String())
	}
	assert.Equal(t, "flowers.jpg=match", tokens[0])
	return tokens
}
