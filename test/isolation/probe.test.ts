import assert from 'node:assert/strict'
import { test } from 'node:test'
import { probePlain } from './plain.ts'
import { namesOut, plantCanaries } from './probe.ts'
import { describeProbe } from './probing.ts'
import { canNobodyRead, folderFor } from './support.ts'

describeProbe('bubblewrap', { escape: [], leak: [], surface: [] })

/** Of each kind of attack some that get out of a plain sandbox of an ordinary user on any machine that was seen. */
const plainLetsOut = {
  escape:
    'read_canary_by_its_path read_canary_through_open_descriptor read_canary_through_any_process unshare_user ' +
    'trace_own_child read_session_keyring add_a_key reach_host_loopback reach_abstract_socket reach_path_socket',
  leak: 'environment_of_caller environment_of_others name_of_host names_of_users',
  surface: 'call ptrace,call keyctl,call unshare,socket netlink',
}

test('the same probe gets out of a plain bubblewrap: that it does not get out of ours says something', {
  skip: canNobodyRead() ? false : 'an ordinary user cannot read this checkout',
}, async (context) => {
  await using canaries = await plantCanaries()
  const results = probePlain('user', folderFor('user', context), canaries, ['--share-net'])
  for (const kind of ['escape', 'leak', 'surface'] as const) {
    const out = namesOut(results, kind)
    const wanted = plainLetsOut[kind].split(kind === 'surface' ? ',' : ' ')
    assert.deepEqual(
      wanted.filter((name) => !out.includes(name)),
      [],
      kind,
    )
  }
})
