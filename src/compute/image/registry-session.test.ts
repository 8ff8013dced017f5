/** To whom a login for a registry may go. Threat: a registry that names a token server of its own choice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOwnTokenServer } from './registry-session.http.ts'

const isOwn = (realm: string, registry: string): boolean => isOwnTokenServer(new URL(realm), new URL(registry))

for (const [realm, registry] of [
  ['https://ghcr.io/token', 'https://ghcr.io/v2/a/'],
  ['https://acme.example:5000/auth', 'https://acme.example:5000/v2/a/'],
  ['https://auth.docker.io/token', 'https://registry-1.docker.io/v2/library/a/'],
  ['https://gitlab.com/jwt/auth', 'https://registry.gitlab.com/v2/a/b/'],
] as const) {
  test(`a login for ${registry} may go to ${realm}`, () => assert.ok(isOwn(realm, registry)))
}

for (const [what, realm, registry] of [
  ['a neighbour under a public suffix', 'https://evil.co.uk/token', 'https://acme.co.uk/v2/a/'],
  ['a neighbour at a host of many', 'https://evil.fly.dev/token', 'https://acme.fly.dev/v2/a/'],
  ['the domain above', 'https://fly.dev/token', 'https://acme.fly.dev/v2/a/'],
  ['a host below', 'https://auth.acme.example/token', 'https://acme.example/v2/a/'],
  ['another port of the host', 'https://acme.example:8443/token', 'https://acme.example/v2/a/'],
  ['another protocol of the host', 'http://localhost/token', 'https://localhost/v2/a/'],
  ['the token server of another registry', 'https://gitlab.com/jwt/auth', 'https://registry.example/v2/a/'],
  ['a host that looks like it', 'https://auth.docker.io.evil.example/token', 'https://registry-1.docker.io/v2/a/'],
  ['a name of every object', 'https://undefined/', 'https://constructor/v2/a/'],
] as const) {
  test(`a login goes to no stranger: ${what}`, () => assert.ok(!isOwn(realm, registry)))
}
