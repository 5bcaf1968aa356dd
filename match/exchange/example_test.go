package exchange_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rematch-go/rematch/match/exchange"
)

// Reading an exchange is a loop: a page, what it says, its checkpoint.
func ExampleProtocol_Open() {
	dir, err := os.MkdirTemp("", "rematch")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "known.csv")
	table := "algorithm,hash,label\nMD5,9DD4E461268C8034F5C8564E155C67A6,propaganda\nPDQ,oops,\n"
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	protocol, err := exchange.ParseProtocol("csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	source, err := protocol.Open(exchange.Config{Settings: map[string]string{"path": path}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for at := exchange.Checkpoint(nil); ; {
		page, err := source.Next(context.Background(), at)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, r := range page.Records {
			fmt.Println(r.ID, r.Labels)
		}
		for _, f := range page.Faults {
			fmt.Println(f)
		}
		if at = page.After; page.Last {
			break
		}
	}
	// Output:
	// md5:9dd4e461268c8034f5c8564e155c67a6 [propaganda]
	// exchange: record 1 of known.csv is set aside: line at byte 69: pdq at offset 0: 'o' is not a hex digit
}
