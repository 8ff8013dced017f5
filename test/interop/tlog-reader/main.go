// Reads a log as Go's own packages do: signed note, tiles, inclusion of a record, consistency with an earlier size.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// main FOLDER KEY RECORD INDEX EARLIER-SIZE EARLIER-ROOT
func main() {
	folder, key, record := os.Args[1], os.Args[2], os.Args[3]
	index, err := strconv.ParseInt(os.Args[4], 10, 64)
	check(err)
	verifier, err := note.NewVerifier(key)
	check(err)
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root := hashOf(lines[2])
	leaf := tlog.RecordHash([]byte(record))
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return hashesOf(folder, size, indexes)
	})
	proof, err := tlog.ProveRecord(size, index, reader)
	check(err)
	check(tlog.CheckRecord(proof, size, root, index, leaf))
	earlier, err := strconv.ParseInt(os.Args[5], 10, 64)
	check(err)
	growth, err := tlog.ProveTree(size, earlier, reader)
	check(err)
	check(tlog.CheckTree(growth, size, root, earlier, hashOf(os.Args[6])))
	fmt.Println(size)
}

func hashOf(text string) tlog.Hash {
	bytes, err := base64.StdEncoding.DecodeString(text)
	check(err)
	var hash tlog.Hash
	copy(hash[:], bytes)
	return hash
}

// The height of C2SP's tiles is 8, and Go's paths say so: tile/8/<L>/<N>.
func hashesOf(folder string, size int64, indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		tile := tlog.TileForIndex(8, index)
		width := size>>(8*uint(tile.L)) - tile.N<<8
		if width > 256 {
			width = 256
		}
		tile.W = int(width)
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		if hashes[at], err = tlog.HashFromTile(tile, data, index); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}
