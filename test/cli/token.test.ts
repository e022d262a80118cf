import t from 'tap'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place, serve } from './setup.ts'

t.test('a token is created, listed and revoked, and a running server applies it at once [S03, S13]', async t => {
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
  t.match(await cli(['disable', 'echo', '--url', url, '--token', token], { cwd }), {
    code: 1,
    err: /needs a token of the scope 'control'; the token 'ci' has 'run'/
  })
  t.match(JSON.parse((await cli(['token', 'list', '--json'], { cwd })).out), [{ name: 'ci', scope: 'run' }])
  t.match(await cli(['token', 'create', 'forever', '--scope', 'read'], { cwd }), {
    code: 0,
    err: /until it is revoked/
  })
  t.match((await cli(['token', 'list'], { cwd })).out, /\nforever +read +\S+ +-\n$/,
    'a token without an end is not reported as revoked')
  t.match(await cli(['token', 'revoke', 'ci'], { cwd }), { code: 0 })
  t.match(await run(token), {
    code: 1,
    err: /the one it has is wrong, revoked or expired\n.*file `token` of the data folder/
  })
  t.match(await cli(['token', 'revoke', 'ci'], { cwd }), { code: 2, err: /No token has the name/ })
  t.match(await cli(['token', 'create', 'x'], { cwd }), { code: 2, err: /--scope/ })
})

t.test('a command without a token says once which members are withheld, and why', async t => {
  const cwd = place(t)
  const { url } = await serve(t, [], { cwd })
  t.match(await cli(['run', 'echo', '--payload', '{"a":1}', '--key', 'k', '--wait'], { cwd }), { code: 0, err: '' })
  const { out } = await cli(['runs', '--json'], { cwd })
  const { id } = (JSON.parse(out).items ?? JSON.parse(out))[0]
  const kept = join(cwd, 'kept')
  renameSync(join(cwd, 'data/token'), kept)
  const missing = new RegExp(
    String.raw`^offpeak: withheld, although not empty: (?:payload, result, )?key\. ` +
      String.raw`No token was sent: there is no file .*token: give one with --token or OFFPEAK_TOKEN\n$`
  )
  for (const args of [['show', id], ['show', id, '--json'], ['runs'], ['runs', '--json']]) {
    t.match(await cli(args, { cwd }), { code: 0, err: missing }, args.join(' '))
  }
  t.match(await cli(['logs', id], { cwd }), { code: 1, err: /private.*\n.*No token was sent: there is no file/ })
  t.match(await cli(['tasks'], { cwd }), { code: 0, err: '' }, 'no note where nothing is withheld')
  t.match(await cli(['show', id], { cwd, env: { OFFPEAK_TOKEN: readFileSync(kept, 'utf8').trim() } }), {
    code: 0,
    err: ''
  })
  mkdirSync(join(cwd, 'data/token'))
  t.match(await cli(['show', id], { cwd }), {
    code: 0,
    err: /may not read .*token \(EISDIR\): ask as the user that offpeak runs as/
  })
  const away = join(cwd, 'away')
  mkdirSync(join(away, 'data'), { recursive: true })
  writeFileSync(join(away, 'config.json'), '{}')
  writeFileSync(join(away, 'data/token'), 'a-token-of-another-server')
  t.match(await cli(['show', id, '--url', url], { cwd: away }), {
    code: 0,
    err: /that of this machine is not sent to another address/
  })
})

t.test('a token that no header can have is refused as such', async t => {
  const cwd = place(t)
  await serve(t, [], { cwd })
  t.match(await cli(['runs', '--token', 'a\nb'], { cwd }), { code: 2, err: /^offpeak: The token has a character/ })
})
