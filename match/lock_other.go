//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly && !windows

package match

import "os"

// lockFile opens the file. These systems have no lock that ends with the process.
func lockFile(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) }
