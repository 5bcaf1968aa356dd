package vpdq_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/vpdq"
)

const digits = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"

func TestRead(t *testing.T) {
	v, err := hash.ParseHex(hash.PDQ, digits)
	require.NoError(t, err)
	first := vpdq.Feature{Frame: 0, Quality: 100, Value: v, Time: 0}
	second := vpdq.Feature{Frame: 30, Quality: 7, Value: v, Time: 1234567 * time.Millisecond}
	counted := second
	counted.Frame = 1
	for name, c := range map[string]struct {
		file string
		want []vpdq.Feature
	}{
		"text":        {"0,100," + digits + ",0.000\n30,7," + digits + ",1234.567\n", []vpdq.Feature{first, second}},
		"other text":  {"\xef\xbb\xbf\r\n 0,100," + strings.ToUpper(digits) + ",0.000 \r\n\r\n30, 7, " + digits + ", 1234.567,more,fields", []vpdq.Feature{first, second}},
		"json":        {`["` + digits + `,100,0.0", "` + digits + `,7,1234.567"]`, []vpdq.Feature{first, counted}},
		"other json":  {"\n[\"" + digits + ",100,0\" ,\n\"" + digits + ",7,1.234567e+03\"]\n ", []vpdq.Feature{first, counted}},
		"former json": {`{"0": {"quality": 100, "hash": "` + digits + `", "timestamp": 0.0}, "30": {"timestamp": 1234.567, "hash": "` + digits + `", "quality": 7}}`, []vpdq.Feature{first, second}},
	} {
		got, err := vpdq.Read(strings.NewReader(c.file), vpdq.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got, name)
		got, err = vpdq.Read(iotest.OneByteReader(strings.NewReader(c.file)), vpdq.Options{MaxFeatures: 2})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got, name)
		_, err = vpdq.Read(strings.NewReader(c.file), vpdq.Options{MaxFeatures: 1})
		var re *vpdq.ReadError
		require.ErrorAs(t, err, &re, name)
		assert.Contains(t, re.Reason, "more than 1 frames")
	}
}

func TestReadRefuses(t *testing.T) {
	line := "0,100," + digits + ",0.000\n"
	item := `"` + digits + `,100,0.0"`
	frame := `{"quality": 100, "hash": "` + digits + `", "timestamp": 0.0}`
	for name, c := range map[string]struct {
		file string
		line int
	}{
		"nothing":                   {"", 1},
		"blank":                     {" \r\n\n", 3},
		"three fields":              {line + "0,100," + digits + "\n", 2},
		"no number":                 {line + "\nx,100," + digits + ",0\n", 3},
		"negative frame":            {"-1,100," + digits + ",0\n", 1},
		"large frame":               {"2147483648,100," + digits + ",0\n", 1},
		"quality 101":               {line + line + "1,101," + digits + ",0\n" + line, 3},
		"quality 100.0":             {"1,100.0," + digits + ",0\n", 1},
		"short hash":                {"1,100," + digits[1:] + ",0\n", 1},
		"long hash":                 {"1,100," + digits + "0,0\n", 1},
		"no hex":                    {"1,100,g" + digits[1:] + ",0\n", 1},
		"negative time":             {"1,100," + digits + ",-0.1\n", 1},
		"no time":                   {"1,100," + digits + ",\n", 1},
		"time not a number":         {"1,100," + digits + ",nan\n", 1},
		"endless time":              {"1,100," + digits + ",inf\n", 1},
		"time in hex":               {"1,100," + digits + ",0x1p3\n", 1},
		"far time":                  {"1,100," + digits + ",1e300\n", 1},
		"long line":                 {line + strings.Repeat("x", 5000), 2},
		"binary":                    {"\x00\x01\x02", 1},
		"empty list":                {"[]", 1},
		"empty object":              {"{}\n", 1},
		"list cut":                  {"[" + item + ",\n" + item, 2},
		"list cut in a string":      {"[" + item + ",\n" + item[:9], 2},
		"two fields in a string":    {"[\n" + item + ",\n\"" + digits + ",100\"]", 3},
		"number in the list":        {"[" + item + ", 7]", 1},
		"list in the list":          {"[[" + item + "]]", 1},
		"quality in a string":       {"[\"" + digits + ",high,0\"]", 1},
		"two lists":                 {"[" + item + "]\n[" + item + "]", 2},
		"no comma":                  {"[" + item + " " + item + "]", 1},
		"long string":               {"[" + item + ",\n\"" + strings.Repeat("x", 1<<20) + "\"]", 2},
		"long blank":                {"[" + item + strings.Repeat(" ", 1<<20) + ", 7]", 1},
		"frame not an object":       {`{"0": 7}`, 1},
		"frame not a number":        {`{"a": ` + frame + `}`, 1},
		"field missing":             {`{"0": {"quality": 100, "timestamp": 0.0}}`, 1},
		"field of another type":     {`{"0": {"quality": "100", "hash": "` + digits + `", "timestamp": 0.0}}`, 1},
		"field of another name":     {`{"0": {"quality": 100, "hash": "` + digits + `", "time": 0.0}}`, 1},
		"object in the object":      {`{"0": {"quality": {"quality": 1}}}`, 1},
		"object cut":                {`{"0": ` + frame + `,` + "\n" + `"1": {`, 2},
		"object closed as a list":   {`{"0": ` + frame + `]`, 1},
		"a long number":             {`{"0": {"quality": ` + strings.Repeat("1", 1<<20) + `}}`, 1},
		"deep":                      {strings.Repeat("[", 1<<20), 1},
		"quality of unmeasured 255": {"1,255," + digits + ",0\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := vpdq.Read(strings.NewReader(c.file), vpdq.Options{})
			assert.Nil(t, got)
			var re *vpdq.ReadError
			require.ErrorAs(t, err, &re)
			assert.Equal(t, c.line, re.Line, err)
			assert.NotEmpty(t, re.Reason)
			assert.LessOrEqual(t, re.Offset, int64(len(c.file)))
		})
	}
	_, err := vpdq.Read(strings.NewReader("[]"), vpdq.Options{})
	require.ErrorIs(t, err, vpdq.ErrEmpty)
	broken := errors.New("the disk is gone")
	for _, begin := range []string{"", line, "[" + item, "[", `{"0"`, "[" + item + "]"} {
		_, err := vpdq.Read(io.MultiReader(strings.NewReader(begin), iotest.ErrReader(broken)), vpdq.Options{})
		require.ErrorIs(t, err, broken, begin)
	}
}

func TestWrite(t *testing.T) {
	v, err := hash.ParseHex(hash.PDQ, digits)
	require.NoError(t, err)
	features := []vpdq.Feature{{0, 100, v, 0}, {31, 5, v, 1033333333}, {45, 5, v, 1500 * time.Millisecond}, {99, 0, v, time.Hour}}
	var b bytes.Buffer
	require.NoError(t, vpdq.WriteText(&b, features))
	assert.Equal(t, "0,100,D,0.000\n31,5,D,1.033\n45,5,D,1.500\n99,0,D,3600.000\n", strings.ReplaceAll(b.String(), digits, "D"))
	b.Reset()
	require.NoError(t, vpdq.WriteJSON(&b, features))
	assert.Equal(t, `["D,100,0.0", "D,5,1.033", "D,5,1.5", "D,0,3600.0"]`, strings.ReplaceAll(b.String(), digits, "D"))

	md5, err := hash.ParseHex(hash.MD5, digits[:32])
	require.NoError(t, err)
	for _, bad := range []vpdq.Feature{{Quality: 100}, {Value: md5}, {Value: v, Quality: hash.Unmeasured}, {Value: v, Frame: -1}, {Value: v, Time: -1}, {Value: v, Time: 1 << 62}} {
		b.Reset()
		assert.Error(t, vpdq.WriteText(&b, []vpdq.Feature{features[0], bad}))
		assert.Error(t, vpdq.WriteJSON(&b, []vpdq.Feature{features[0], bad}))
		assert.Zero(t, b.Len())
	}
	assert.ErrorIs(t, vpdq.WriteText(&b, nil), vpdq.ErrEmpty)
	full := errors.New("the disk is full")
	assert.ErrorIs(t, vpdq.WriteJSON(failing{full}, features), full)
	assert.ErrorIs(t, vpdq.WriteText(failing{full}, features), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// What is accepted can be written in both forms, and is then read as it was, its times to
// the millisecond.
func FuzzRead(f *testing.F) {
	f.Add([]byte("0,100," + digits + ",0.000\n30,7," + digits + ",1234.567\n"))
	f.Add([]byte(`["` + digits + `,100,0.0", "` + digits + `,7,1.23e+03"]`))
	f.Add([]byte(`{"0": {"quality": 100, "hash": "` + digits + `", "timestamp": 0.0}}`))
	f.Add([]byte("[\n\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		features, err := vpdq.Read(bytes.NewReader(file), vpdq.Options{MaxFeatures: 100})
		if err != nil {
			var re *vpdq.ReadError
			require.ErrorAs(t, err, &re)
			require.GreaterOrEqual(t, re.Line, 1)
			require.LessOrEqual(t, re.Line, 1+bytes.Count(file, []byte("\n")))
			return
		}
		require.NotEmpty(t, features)
		for i := range features {
			features[i].Time = features[i].Time.Round(time.Millisecond)
		}
		var b bytes.Buffer
		require.NoError(t, vpdq.WriteText(&b, features))
		again, err := vpdq.Read(&b, vpdq.Options{})
		require.NoError(t, err)
		require.Equal(t, features, again)
		b.Reset()
		require.NoError(t, vpdq.WriteJSON(&b, features))
		again, err = vpdq.Read(&b, vpdq.Options{})
		require.NoError(t, err)
		for i := range again {
			again[i].Frame = features[i].Frame
		}
		require.Equal(t, fmt.Sprint(features), fmt.Sprint(again))
	})
}

func TestSniff(t *testing.T) {
	for _, yes := range []string{
		"0,100," + digits + ",0.000\n30,7,", "\xef\xbb\xbf\n0,100," + digits + ",0.000", "[\n \"" + digits + ",100,", `["` + digits + `,100,0.0"]`,
		`{"0": {"quality": 100, "hash": "f8`, `{ "17":{"timestamp":0.5`,
	} {
		assert.True(t, vpdq.Sniff([]byte(yes)), yes)
	}
	for _, no := range []string{
		"", "[]", "{}", "[", digits + "\n", "pdq:" + digits, "0,100," + digits + "\n", "0,101," + digits + ",0\n", `["` + digits + `"]`, `{"quality": 100}`,
		"\x00\x00\x00\x18ftyp", "frame,quality,hash,seconds\n",
	} {
		assert.False(t, vpdq.Sniff([]byte(no)), no)
	}
}
