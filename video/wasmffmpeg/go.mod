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
	github.com/aws/aws-sdk-go v1.38.20 // indirect
	github.com/bep/imagemeta v1.0.1 // indirect
	github.com/jmespath/go-jmespath v0.4.0 // indirect
	github.com/u2takey/ffmpeg-go v0.5.0 // indirect
	github.com/u2takey/go-utils v0.3.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/rematch-go/rematch => ../..
