import t from 'tap'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place, serve } from './setup.ts'

t.test('a token is made, listed and revoked, and a server that runs minds it at once [S03, S13]', async t => {
  const cwd = place(t)
  const made = await cli(['token', 'create', 'ci', '--scope', 'run', '--expires', '1h'], { cwd })
  t.match(made, { code: 0, out: /^op_[\w-]{43}\n$/, err: /ci has the scope run until 20/ })
  const token = made.out.trim()
  const file = join(cwd, 'data/tokens.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.notMatch(readFileSync(file, 'utf8'), token)
  const { url } = await serve(t, [], { cwd })
  const run = async (given: string) => await cli(['run', 'echo', '--url', url, '--token', given], { cwd })
  t.match(await run(token), { code: 0 })
  t.match(await cli(['disable', 'echo', '--url', url, '--token', token], { cwd }), { code: 1, err: /needs a token of the scope 'control'; the token 'ci' has 'run'/ })
  t.match(JSON.parse((await cli(['token', 'list', '--json'], { cwd })).out), [{ name: 'ci', scope: 'run' }])
  t.match(await cli(['token', 'create', 'forever', '--scope', 'read'], { cwd }), { code: 0, err: /until it is revoked/ })
  t.match((await cli(['token', 'list'], { cwd })).out, /\nforever +read +\S+ +-\n$/, 'a token without an end is not told as revoked')
  t.match(await cli(['token', 'revoke', 'ci'], { cwd }), { code: 0 })
  t.match(await run(token), { code: 1, err: /the one that was sent is not known: it is wrong, was revoked or has expired\n.*file `token` of the data folder/ })
  t.match(await cli(['token', 'revoke', 'ci'], { cwd }), { code: 1, err: /No token has the name/ })
  t.match(await cli(['token', 'create', 'x'], { cwd }), { code: 2, err: /--scope/ })
})
