package pdq_test

import (
	"bufio"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// BenchmarkReference measures against the reference implementation in pairs: the
// median of three runs of it, then that of ours in as much time. It reports the medians of both
// and of each pair's ratio. It takes the
// program of testdata/reference.cpp, which says how it is built, in REMATCH_PDQ_REFERENCE, and is
// skipped without. The reference starts from floats, ours from the bytes. The hashes must
// be equal.
func BenchmarkReference(b *testing.B) {
	program := os.Getenv("REMATCH_PDQ_REFERENCE")
	if program == "" {
		b.Skip("REMATCH_PDQ_REFERENCE is not set: no reference to measure against")
	}
	for _, size := range sizes {
		m := image.NewGray(image.Rectangle{Max: size})
		photo := scene(size.X, size.Y, 1)
		for i := range m.Pix {
			m.Pix[i] = photo.Pix[4*i]
		}
		cmd := exec.Command(program)
		in, err := cmd.StdinPipe()
		require.NoError(b, err)
		out, err := cmd.StdoutPipe()
		require.NoError(b, err)
		require.NoError(b, cmd.Start())
		_, err = fmt.Fprintf(in, "%d %d\n%s", size.X, size.Y, m.Pix)
		require.NoError(b, err)
		lines := bufio.NewReader(out)
		for _, kernel := range []string{"auto", "go"} {
			var h pdq.Hasher
			if kernel == "go" {
				h.Portable()
			}
			for _, one := range []string{"h", "d"} {
				b.Run(fmt.Sprintf("size=%dx%d/kernel=%s/orientations=%d", size.X, size.Y, kernel, 1+7*strings.Index("hd", one)), func(b *testing.B) {
					var theirs, ours, ratios []float64
					for b.Loop() {
						var line []string
						var all [hash.Orientations]hash.Value
						var q hash.Quality
						var turn []float64
						for range 3 {
							var ns float64
							ns, line = ask(b, in, lines, one)
							turn = append(turn, ns)
						}
						took, end := median(turn), time.Now().Add(time.Duration(3*median(turn)))
						turn = turn[:0]
						for len(turn) < 3 || time.Now().Before(end) {
							start := time.Now()
							if one == "h" {
								all[0], q = h.Sum(m)
							} else {
								all, q = h.Orientations(m)
							}
							turn = append(turn, float64(time.Since(start)))
						}
						mine := median(turn)
						require.Equal(b, strconv.Itoa(int(q)), line[0])
						for i, v := range line[1:] {
							require.Equal(b, v, all[i].Hex())
						}
						theirs, ours, ratios = append(theirs, took), append(ours, mine), append(ratios, took/mine)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(median(theirs)/1e3, "reference-µs")
					b.ReportMetric(median(ours)/1e3, "ours-µs")
					b.ReportMetric(median(ratios), "ratio")
				})
			}
		}
		require.NoError(b, in.Close())
		require.NoError(b, cmd.Wait())
	}
}

// ask has the reference hash once.
func ask(b *testing.B, in io.Writer, out *bufio.Reader, what string) (ns float64, rest []string) {
	_, err := io.WriteString(in, what)
	require.NoError(b, err)
	line, err := out.ReadString('\n')
	require.NoError(b, err)
	fields := strings.Fields(line)
	require.Greater(b, len(fields), 2)
	ns, err = strconv.ParseFloat(fields[0], 64)
	require.NoError(b, err)
	return ns, fields[1:]
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
