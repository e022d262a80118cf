import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli, place, serve } from './setup.ts'
import { scratch } from '../work/harness.ts'

/** A place whose servers are remembered: it is not in what its commands take for the temporary folder. */
function remembered (t: Parameters<typeof place>[0]) {
  const state = scratch(t)
  const cwd = place(t)
  return { cwd, state, env: { XDG_STATE_HOME: state, TMPDIR: scratch(t) } }
}

t.test('the server that was used last is found from any folder, which is said', async t => {
  const { cwd, state, env } = remembered(t)
  const other = scratch(t)
  const away = (...words: string[]) => cli(words, { cwd: other, env })
  // Something may listen on the usual port of this machine.
  t.match(await cli(['runs'], { cwd: other, env: { ...env, OFFPEAK_PORT: '9' } }), {
    code: 1,
    err: /^offpeak: No offpeak answers at http:\/\/127\.0\.0\.1:9\n/
  })
  const server = await serve(t, [], { cwd, env })
  t.equal(statSync(join(state, 'offpeak/servers.json')).mode & 0o777, 0o600)
  const found = await away('run', 'echo', '--wait', '--json')
  t.match(found, { code: 0, err: new RegExp(`^offpeak: asking ${server.url} \\(last used, of ${cwd}\\)\n`) })
  t.match(JSON.parse(found.out), { state: 'completed' }, 'with its token, and the note is not part of the answer')
  t.match(await cli(['runs'], { cwd, env }), { code: 0, err: '' }, 'the server of the own folder is not announced')
  const below = join(cwd, 'backgroundtask/deeper')
  mkdirSync(below)
  t.match(await cli(['runs'], { cwd: below, env: { ...env, XDG_STATE_HOME: other } }), {
    code: 0,
    err: `offpeak: asking ${server.url} (of ${cwd})\n`
  }, 'that of a folder above is found, even if none was used before')
  const own = place(t)
  t.match(await cli(['runs'], { cwd: own, env }), { code: 1, err: /No offpeak answers/ },
    'a folder of its own has its own')
  t.match(await away('runs', '--url', 'http://127.0.0.1:9'), {
    code: 1,
    err: /^offpeak: No offpeak answers at http:..127.0.0.1:9/
  })
  server.child.kill('SIGTERM')
  await server.over
  t.match(await away('runs'), { code: 1, err: /last used[^]*No offpeak answers at/ })
})

t.test('servers have names', async t => {
  const { cwd, env } = remembered(t)
  const other = scratch(t)
  const away = (...words: string[]) => cli(words, { cwd: other, env })
  const server = await serve(t, [], { cwd, env })
  const token = join(cwd, 'data/token')
  t.match((await away('context')).out, /^There are no contexts\.\nLast used/)
  t.match(await away('context', 'add', 'nas', '--url', server.url, '--token-file', token), {
    code: 0,
    out: /^nas is http/
  })
  t.match(await away('context', 'add', 'dead', '--url', 'http://127.0.0.1:9', '--token', 'secret'), { code: 0 })
  const { out } = await away('context')
  t.match(out, new RegExp(`^ +CONTEXT +URL +TOKEN\\n +nas +${server.url} +in ${token}\\n +dead .* stored\\n`))
  t.notMatch(out + (await away('context', '--json')).out, /secret/)
  const note = `offpeak: asking ${server.url} (context nas)\n`
  t.match(await away('run', 'echo', '--context', 'nas'), { code: 0, err: note })
  t.match(await away('--context', 'nas', 'runs'), { code: 0, err: note })
  t.match(await cli(['runs'], { cwd: other, env: { ...env, OFFPEAK_CONTEXT: 'nas' } }), { code: 0, err: note })
  await away('context', 'use', 'dead')
  t.match(await away('runs'), { code: 1, err: /^offpeak: asking http:\/\/127\.0\.0\.1:9 \(context dead\)/ })
  t.match(await cli(['runs'], { cwd, env }), { code: 0, err: '' }, 'the own folder comes before the current context')
  t.match((await away('context')).out, /^\* +dead /m)
  await away('context', 'use', '--none')
  t.match(await away('runs'), { code: 0, err: /last used/ })
  t.match(await away('runs', '--context', 'nsa'), { code: 2, err: /There is no context 'nsa'\n {2}Did you mean 'nas'/ })
  t.match(await away('context', 'remove', 'nas'), { code: 0, out: 'nas is removed\n' })
  t.match(await away('runs', '--context', 'nas'), { code: 2, err: /There is no context 'nas'/ })
  t.match(await away('context', 'use'), { code: 2, err: /needs a name, or --none/ })
  t.match(await away('context', 'add', 'x y', '--url', server.url), { code: 2, err: /'x y' is not a name/ })
  t.match(await away('context', 'add', 'x', '--url', 'nas'), { code: 2, err: /expected a URL/ })
})

t.test('what is remembered survives what is wrong with it', async t => {
  const { env, state } = remembered(t)
  const other = scratch(t)
  const file = join(state, 'offpeak/servers.json')
  mkdirSync(join(state, 'offpeak'))
  const gone = JSON.stringify({
    last: { config: '/nowhere/config.json', data: '/nowhere/data', url: 'http://127.0.0.1:9' }
  })
  writeFileSync(file, gone)
  // Something may listen on the usual port of this machine.
  t.match(await cli(['runs'], { cwd: other, env: { ...env, OFFPEAK_PORT: '9' } }), {
    code: 1,
    err: /No offpeak answers at/
  })
  writeFileSync(file, '{')
  t.match(await cli(['runs'], { cwd: other, env }), { code: 78, err: /servers\.json is not JSON[^]*delete it/ })
  t.equal(readFileSync(file, 'utf8'), '{')
  const cwd = place(t)
  await serve(t, [], { cwd, env })
  t.match(await cli(['runs'], { cwd, env }), { code: 0 }, 'a folder of its own does not need it')
})

t.test('a server in the temporary folder is not remembered', async t => {
  const { cwd, state } = remembered(t)
  await serve(t, [], { cwd, env: { XDG_STATE_HOME: state } })
  t.match((await cli(['context', '--json'], { cwd, env: { XDG_STATE_HOME: state } })).out, /"last": null/)
})

t.test('an address that is not that of a server is refused with the right one, and no password is printed', async t => {
  const { cwd, env } = remembered(t)
  const refused: [string, RegExp][] = [
    ['127.0.0.1:7420', /is '127\.0\.0\.1:7420': expected a URL .*\n {2}Did you mean 'http:\/\/127\.0\.0\.1:7420'\?/],
    ['localhost:7420', /Did you mean 'http:\/\/localhost:7420'\?/],
    ['ftp://nas', /is 'ftp:\/\/nas': expected a URL such as http:[^\n]*\n$/],
    ['file:///tmp', /expected a URL such as http:/],
    ['http://me:hunter2@nas:7420', /has a user or a password[^]*Name http:\/\/nas:7420 without them/],
    ['me:hunter2@nas:7420', /Did you mean 'http:\/\/nas:7420'\?/]
  ]
  for (const [url, words] of refused) {
    const all = await Promise.all([cli(['tasks'], { cwd, env: { ...env, OFFPEAK_URL: url } }),
      cli(['tasks', '--url', url], { cwd, env }), cli(['context', 'add', 'x', '--url', url], { cwd, env })])
    for (const { code, out, err } of all) {
      t.equal(code, 2)
      t.match(err, words)
      t.notMatch(out + err, /hunter2/)
    }
    t.match(all[0].err, /^offpeak: OFFPEAK_URL /)
    t.match(all[1].err, /^offpeak: --url /)
  }
})

t.test('contexts that are added at once are all kept, also beside the lock of a killed process', async t => {
  const { cwd, state, env } = remembered(t)
  mkdirSync(join(state, 'offpeak/servers.json.lock'), { recursive: true })
  utimesSync(join(state, 'offpeak/servers.json.lock'), 0, 0)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const added = await Promise.all(
    names.map(name => cli(['context', 'add', name, '--url', 'http://127.0.0.1:9'], { cwd, env }))
  )
  t.strictSame(added.map(({ code }) => code), names.map(() => 0))
  t.strictSame(JSON.parse((await cli(['context', '--json'], { cwd, env })).out).contexts.length, names.length)
})

t.test('a name that every object has is no context', async t => {
  const { cwd, env } = remembered(t)
  for (const name of ['constructor', 'valueOf', '__proto__']) {
    for (const words of [['context', 'remove', name], ['context', 'use', name], ['runs', '--context', name]]) {
      t.match(await cli(words, { cwd, env }), { code: 2, err: `There is no context '${name}'` }, words.join(' '))
    }
  }
  await cli(['context', 'add', 'constructor', '--url', 'http://127.0.0.1:9'], { cwd, env })
  t.match(await cli(['runs', '--context', 'constructor'], { cwd, env }), { code: 1, err: /context constructor[^]*:9/ })
})

t.test('remembered servers that were written by hand are checked', async t => {
  const { cwd, state, env } = remembered(t)
  const file = join(state, 'offpeak/servers.json')
  mkdirSync(join(state, 'offpeak'))
  for (const [text, words] of [
    ['{"contexts":{"a":null}}', '/contexts/a is not { url, token or token_file }'],
    ['{"contexts":{"a":{"url":5}}}', '/contexts/a is not { url'],
    ['{"contexts":[]}', '/contexts is not an object'],
    ['{"current":5}', '/current is not the name of a context'],
    ['{"last":{}}', '/last is not { config, data, url }'],
    ['null', 'it is not an object'],
    ['{', 'is not JSON']
  ] as const) {
    writeFileSync(file, text)
    t.match(await cli(['context'], { cwd, env }), { code: 78, err: words }, text)
  }
  writeFileSync(file, '{}')
  chmodSync(file, 0o666)
  t.match(await cli(['context'], { cwd, env }), { code: 78, err: /can be changed by every user[^]*chmod o-w/ })
  rmSync(file)
  mkdirSync(file)
  t.match(await cli(['context'], { cwd, env }), { code: 78, err: /servers\.json is a folder\n {2}Remove it/ })
})
