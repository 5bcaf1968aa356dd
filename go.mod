module github.com/rematch-go/rematch

go 1.26.0

require (
	github.com/bep/imagemeta v1.0.1
	github.com/bits-and-blooms/bloom/v3 v3.7.1
	github.com/corona10/goimagehash v1.1.0
	github.com/stretchr/testify v1.12.1
	github.com/u2takey/ffmpeg-go v0.5.0
	go.uber.org/goleak v1.3.0
	golang.org/x/image v0.47.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/aws/aws-sdk-go v1.38.20 // indirect
	github.com/bits-and-blooms/bitset v1.24.2 // indirect
	github.com/jmespath/go-jmespath v0.4.0 // indirect
	github.com/nfnt/resize v0.0.0-20180221191011-83c6a9932646 // indirect
	github.com/u2takey/go-utils v0.3.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)
