// Command rematch hashes pictures and videos, makes banks of known content from
// them, and looks for that content among other files.
//
//	rematch hash photo.jpg clip.mp4
//	rematch bank build -o known.bank known/
//	rematch scan --bank known.bank uploads/
//	rematch lookup --bank known.bank HASH...
//	rematch compare upload.mp4 known.mp4
//	rematch doctor
//	rematch bank disable known.bank ENTRY   (and more: rematch help bank)
//	rematch audit verify --store banks.db
//	rematch exchange pull --store banks.db
//	rematch record list --store banks.db
//	rematch report --store banks.db --from 2026-01-01 --to 2026-07-01 --format html -o report.html
//
// Folders are walked with everything below them. Every regular file in them is
// looked at, whatever its name; symbolic links inside them are not followed. A
// path given on the command line may be a symbolic link.
//
// Results are for people unless --json asks for one JSON object a line. In JSON,
// bytes of a file name that are not UTF-8 become U+FFFD.
//
// Exit codes:
//
//	0  nothing matched (scan, compare), everything was hashed (hash), done
//	1  something failed: a bank, a file that can't be read, an interruption
//	2  wrong usage
//	3  something matched, was found (bank search, quarantine list), differs (bank diff), or
//	   wants somebody's attention (exchange status)
//	4  nothing matched, but something was not judged
//
// When several apply, 3 comes before 1 and 1 before 4. "go run" shows any of
// them as 1.
//
// Videos are decoded by the ffmpeg program when it is on PATH, otherwise by the
// same ffmpeg as WebAssembly inside this program, which makes the program's
// binary fall under the GPL. Building with -tags nogpl leaves that part out.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
