package video

import (
	"mime"
	"path"
	"strings"
)

// families are formats that go under one name or another. What differs within one misleads nobody.
var families = map[string]string{
	"mp4": "iso", "mov": "iso", "3gp": "iso", "matroska": "matroska", "webm": "matroska", "mpeg": "mpeg", "mpegvideo": "mpeg",
	"heic": "heic", "avif": "avif",
}

// extensions are the formats that file names promise.
var extensions = map[string]string{
	"jpg": "jpeg", "jpeg": "jpeg", "jpe": "jpeg", "jfif": "jpeg", "png": "png", "apng": "png", "gif": "gif", "webp": "webp",
	"bmp": "bmp", "dib": "bmp", "tif": "tiff", "tiff": "tiff", "heic": "heic", "heif": "heic", "avif": "avif",
	"mp4": "mp4", "m4v": "mp4", "mov": "mov", "qt": "mov", "3gp": "3gp", "3g2": "3gp", "mkv": "matroska", "webm": "webm", "avi": "avi",
	"ts": "mpegts", "mts": "mpegts", "m2ts": "mpegts", "mpg": "mpeg", "mpeg": "mpeg", "vob": "mpeg", "m2v": "mpeg", "flv": "flv",
	"wmv": "asf", "asf": "asf", "ogv": "ogg", "mxf": "mxf", "dv": "dv", "ivf": "ivf", "zip": "zip", "pdf": "pdf",
	"txt": "text", "html": "text", "htm": "text", "svg": "text", "json": "text", "csv": "text", "m3u8": "playlist", "m3u": "playlist",
}

// contentTypes are the formats that media types promise.
var contentTypes = map[string]string{
	"image/jpeg": "jpeg", "image/jpg": "jpeg", "image/pjpeg": "jpeg", "image/png": "png", "image/apng": "png", "image/gif": "gif", "image/webp": "webp",
	"image/bmp": "bmp", "image/x-ms-bmp": "bmp", "image/tiff": "tiff", "image/heic": "heic", "image/heif": "heic", "image/avif": "avif", "image/svg+xml": "text",
	"video/mp4": "mp4", "video/x-m4v": "mp4", "video/quicktime": "mov", "video/3gpp": "3gp", "video/3gpp2": "3gp", "video/x-matroska": "matroska",
	"video/webm": "webm", "video/x-msvideo": "avi", "video/avi": "avi", "video/mp2t": "mpegts", "video/mpeg": "mpeg", "video/x-flv": "flv",
	"video/x-ms-wmv": "asf", "video/x-ms-asf": "asf", "video/ogg": "ogg", "application/ogg": "ogg", "application/mxf": "mxf",
	"application/zip": "zip", "application/pdf": "pdf", "application/json": "text",
}

// NameDisagrees reports whether a file's name promises another format than it has, or one where
// it has none that is known. Format is Info.Format or Layout.Format. Names without an extension
// that media have promise nothing.
func NameDisagrees(name, format string) bool {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(strings.ReplaceAll(name, `\`, "/")), "."))
	return disagrees(extensions[ext], format)
}

// TypeDisagrees reports whether a declared media type ("image/jpeg; ...") promises another
// format than a file has, or one where it has none that is known. Types that say nothing of
// the format, as application/octet-stream, promise nothing.
func TypeDisagrees(contentType, format string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	promised := contentTypes[t]
	if promised == "" && strings.HasPrefix(t, "text/") {
		promised = "text"
	}
	return disagrees(promised, format)
}

func disagrees(promised, format string) bool {
	if promised == "" || promised == "text" && format == "" {
		return false
	}
	return family(promised) != family(format)
}

func family(format string) string {
	if f := families[format]; f != "" {
		return f
	}
	return format
}
