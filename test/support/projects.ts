/** Small projects that the stories share: shell stages, so that each runs in milliseconds. */

/** Two stages in a row: words are sorted, then counted. */
export const words: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  sort:
    cmd: sh src/sort.sh data/words.txt out/sorted.txt
    deps: [src/sort.sh, data/words.txt]
    outs: [out/sorted.txt]
  count:
    cmd: sh src/count.sh out/sorted.txt \${count.field} model/count.txt
    deps: [src/count.sh, out/sorted.txt]
    params: [count.field]
    outs: [model/count.txt]
`,
  'params.yaml': 'count:\n  field: 1\n',
  'src/sort.sh': '. src/lib.sh\nsort "$1" > "$2"\nsay sorted\n',
  'src/count.sh': 'cut -d" " -f"$2" "$1" | sort | uniq -c > "$3"\n',
  'src/lib.sh': 'say() { echo "$@"; }\n',
  'data/words.txt': 'pear 1\napple 2\npear 3\n',
  '.gitignore': '/out\n/model\n',
}
