module github.com/rematch-go/rematch/video/wasmffmpeg

go 1.26.0

require (
	codeberg.org/gruf/go-ffmpreg v0.6.19
	github.com/rematch-go/rematch v0.0.0
	github.com/stretchr/testify v1.12.1
	github.com/tetratelabs/wazero v1.12.0
	go.uber.org/goleak v1.3.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/rematch-go/rematch => ../..
