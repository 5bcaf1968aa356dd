package edits

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
)

// theme is the colours of an app, by day or by night.
type theme struct{ paper, bar, ink, soft color.RGBA }

func anyTheme(r *rand.Rand) theme {
	if r.IntN(2) == 0 {
		return theme{color.RGBA{255, 255, 255, 255}, color.RGBA{246, 246, 248, 255}, color.RGBA{24, 24, 28, 255}, color.RGBA{150, 152, 160, 255}}
	}
	v := uint8(r.IntN(32))
	return theme{color.RGBA{v, v, v + 2, 255}, color.RGBA{v + 16, v + 16, v + 20, 255}, color.RGBA{236, 236, 240, 255}, color.RGBA{120, 124, 132, 255}}
}

// phoneWidth is the width of a phone's screen in a shared screenshot.
const phoneWidth = 600

// phone is an empty screen with its status bar; y is where the app starts.
func phone(r *rand.Rand, t theme) (screen *image.RGBA, y int) {
	screen = canvas(phoneWidth, int(phoneWidth*between(r, 1.78, 2.2)), t.paper)
	bar := 28 + r.IntN(16)
	base := bar*3/4 + 1
	say(screen, face(true, float64(bar)*0.55), fmt.Sprintf("%d:%02d", 1+r.IntN(12), r.IntN(60)), 24, base, false, t.ink)
	for i := range 4 { // signal strength
		x := phoneWidth - 110 + 8*i
		fillRect(screen, image.Rect(x, base-5-3*i, x+5, base), t.ink)
	}
	box := image.Rect(phoneWidth-60, base-14, phoneWidth-28, base)
	fillRect(screen, box, t.ink)
	fillRect(screen, box.Inset(2), t.paper)
	charge := box.Inset(4)
	charge.Max.X -= r.IntN(charge.Dx())
	fillRect(screen, charge, t.ink)
	return screen, bar
}

// icons draws n round or square app icons in a row.
func icons(r *rand.Rand, dst *image.RGBA, row image.Rectangle, n int, c color.RGBA) {
	side := row.Dy() * 45 / 100
	for i := range n {
		x := row.Min.X + row.Dx()*(2*i+1)/(2*n) - side/2
		y := row.Min.Y + (row.Dy()-side)/2
		at := image.Rect(x, y, x+side, y+side)
		if r.IntN(2) == 0 {
			disc(dst, at, c)
		} else {
			fillRect(dst, at, c)
			fillRect(dst, at.Inset(max(1, side/6)), dst.RGBAAt(row.Min.X, row.Min.Y))
		}
	}
}

// phoneFeed is a post in an app: title bar, author, picture across the screen,
// buttons, comments, navigation.
func phoneFeed(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	t := anyTheme(r)
	s, y := phone(r, t)
	w, h := s.Rect.Dx(), s.Rect.Dy()
	title := 48 + r.IntN(24)
	fillRect(s, image.Rect(0, y, w, y+title), t.bar)
	say(s, face(true, float64(title)*0.45), phrase(r, 2), 20, y+title*2/3, false, t.ink)
	icons(r, s, image.Rect(w-150, y, w-10, y+title), 2+r.IntN(2), t.ink)
	y += title
	author := 52 + r.IntN(20)
	avatar := image.Rect(16, y+8, 16+author-16, y+author-8)
	disc(s, avatar, anyColour(r))
	say(s, face(true, 18), phrase(r, 2), avatar.Max.X+14, y+author/2, false, t.ink)
	say(s, face(false, 14), fmt.Sprintf("%d h", 1+r.IntN(23)), avatar.Max.X+14, y+author/2+18, false, t.soft)
	y += author
	nav := 56 + r.IntN(24)
	picture := into(m, w, max(h-y-nav-120, h/3))
	put(s, picture, (w-picture.Rect.Dx())/2, y)
	y += picture.Rect.Dy()
	icons(r, s, image.Rect(0, y, w*2/3, y+52), 4, t.ink)
	y += 52
	for y < h-nav-30 {
		y += 26
		say(s, face(false, 17), phrase(r, 3+r.IntN(5)), 20, y, false, t.ink)
		if r.IntN(3) == 0 {
			y += 20
			say(s, face(false, 13), phrase(r, 2), 20, y, false, t.soft)
		}
	}
	fillRect(s, image.Rect(0, h-nav, w, h), t.bar)
	icons(r, s, image.Rect(0, h-nav, w, h), 5, t.soft)
	return s
}

// phoneGallery is a picture alone on the screen, the bars of the gallery above and
// below.
func phoneGallery(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	t := anyTheme(r)
	s, y := phone(r, t)
	w, h := s.Rect.Dx(), s.Rect.Dy()
	title, nav := 44+r.IntN(24), 56+r.IntN(30)
	say(s, face(false, 20), fmt.Sprintf("%d of %d", 1+r.IntN(80), 100+r.IntN(900)), w/2, y+title*2/3, true, t.ink)
	room := h - y - title - nav
	picture := into(m, w, room)
	put(s, picture, (w-picture.Rect.Dx())/2, y+title+(room-picture.Rect.Dy())/2)
	icons(r, s, image.Rect(0, h-nav, w, h), 4, t.ink)
	return s
}

// browser is a page in a window: tabs, address, a heading, the picture, text.
func browser(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	t := anyTheme(r)
	w := 1200
	h := int(float64(w) * between(r, 0.56, 0.7))
	s := canvas(w, h, t.paper)
	fillRect(s, image.Rect(0, 0, w, 40), t.soft)
	x := 12
	for range 1 + r.IntN(4) {
		fillRect(s, image.Rect(x, 6, x+190, 40), t.bar)
		say(s, face(false, 14), phrase(r, 3), x+14, 28, false, t.ink)
		x += 196
	}
	fillRect(s, image.Rect(0, 40, w, 88), t.bar)
	icons(r, s, image.Rect(0, 44, 130, 84), 3, t.ink)
	fillRect(s, image.Rect(140, 50, w-120, 80), t.paper)
	say(s, face(false, 15), "https://www.example.org/"+phrase(r, 1)+"/"+fmt.Sprint(r.IntN(100000)), 156, 70, false, t.ink)
	icons(r, s, image.Rect(w-110, 44, w, 84), 2, t.ink)
	left := int(between(r, 0.05, 0.15) * float64(w))
	say(s, face(true, 30), phrase(r, 5), left, 140, false, t.ink)
	picture := into(m, int(between(r, 0.5, 0.75)*float64(w)), h-165)
	put(s, picture, left, 160)
	column := left + picture.Rect.Dx() + 30
	for y := 180; y < h; y += 26 {
		say(s, face(false, 17), phrase(r, 4+r.IntN(4)), column, y, false, t.ink)
	}
	for y := 160 + picture.Rect.Dy() + 30; y < h; y += 26 {
		say(s, face(false, 17), phrase(r, 7), left, y, false, t.ink)
	}
	return s
}

// viewer is a picture program on a desktop: menu, toolbar, grey ground, status line.
func viewer(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	t := anyTheme(r)
	w := 1200
	h := int(float64(w) * between(r, 0.56, 0.75))
	ground := fills[r.IntN(4)].color(r)
	s := canvas(w, h, ground)
	menu, tools, status := 26, 40+r.IntN(20), 24
	fillRect(s, image.Rect(0, 0, w, menu+tools), t.bar)
	for i, word := range []string{"File", "Edit", "View", "Image", "Help"} {
		say(s, face(false, 15), word, 14+70*i, 18, false, t.ink)
	}
	icons(r, s, image.Rect(0, menu, w/2, menu+tools), 6+r.IntN(4), t.ink)
	fillRect(s, image.Rect(0, h-status, w, h), t.bar)
	say(s, face(false, 14), fmt.Sprintf("%d x %d pixels  %d%%", m.Rect.Dx(), m.Rect.Dy(), 10+r.IntN(90)), 14, h-7, false, t.ink)
	room := image.Rect(0, menu+tools, w, h-status).Inset(4 + r.IntN(40))
	picture := into(m, room.Dx(), room.Dy())
	put(s, picture, room.Min.X+(room.Dx()-picture.Rect.Dx())/2, room.Min.Y+(room.Dy()-picture.Rect.Dy())/2)
	return s
}
