import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { until } from '../load/until.ts'
import { spawn } from '../child.ts'
import { BIN, cli, place, serve } from './setup.ts'

const notices = (out: string) => out.trimEnd().split('\n').map(line => JSON.parse(line) as { notice?: string })

t.test('start prints the schedule, the URL and the token file; logs are JSON', async t => {
  const cwd = place(t)
  const { output, url, child, over } = await serve(t, [], { cwd })
  t.match(output.err, /echo +enabled +At 03:00, every day \(UTC\)/)
  t.match(output.err, `the token is in ${join(cwd, 'data', 'token')}`)
  t.notMatch(output.err + output.out, readFileSync(join(cwd, 'data', 'token'), 'utf8').trim())
  t.equal(statSync(join(cwd, 'data', 'server.json')).mode & 0o777, 0o600)
  t.equal((await fetch(`${url}/readyz`)).status, 200)
  const second = await cli(['start'], { cwd })
  t.match(second, { code: 1, err: /^offpeak: Another offpeak uses this data folder/ })
  t.ok(existsSync(join(cwd, 'data', 'server.json')), 'the one that was refused leaves the other alone')
  child.kill('SIGHUP')
  t.equal((await fetch(`${url}/readyz`)).status, 200, 'HUP does not end it')
  child.kill('SIGTERM')
  t.equal(await over, 0)
  t.notOk(existsSync(join(cwd, 'data', 'server.json')))
  t.match(notices(output.out).at(-1), { notice: 'stopped' })
})

t.test('HUP reads the configuration again', async t => {
  const cwd = place(t)
  const { output, child } = await serve(t, [], { cwd })
  writeFileSync(join(cwd, 'config.json'), JSON.stringify({ server: { port: 0 }, tasks: { echo: { enabled: false } } }))
  child.kill('SIGHUP')
  await until(() => output.out.includes('task_changed'))
  t.match(notices(output.out).find(({ notice }) => notice === 'task_changed'), { task: 'echo' })
})

t.test('the first signal lets running runs end, the second does not wait', async t => {
  const cwd = place(t, { manager: { stop_grace: '60s' } })
  for (const [signal, code] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
    const { output, child, over } = await serve(t, [], { cwd })
    t.equal((await cli(['run', 'deaf'], { cwd })).code, 0)
    child.kill(signal)
    await until(() => output.out.includes('"notice":"stopping"'))
    t.equal(child.exitCode, null, 'it waits')
    child.kill(signal)
    t.equal(await over, code, signal)
  }
})

t.test('npm start is replaced by the server, so that it gets the signals that npm passes on', async t => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    scripts: { start: string }
  }
  t.match(scripts.start, /^exec node bin\/offpeak\.js start$/)
  const cwd = place(t)
  const shell = spawn('sh', ['-c', scripts.start.replace('bin/offpeak.js', BIN)], {
    cwd,
    env: { PATH: [join(process.execPath, '..'), process.env.PATH].join(delimiter), HOME: cwd },
    stdio: 'ignore'
  })
  const over = once(shell, 'close')
  await until(() => existsSync(join(cwd, 'data', 'server.json')))
  t.equal((JSON.parse(readFileSync(join(cwd, 'data', 'server.json'), 'utf8')) as { pid: number }).pid, shell.pid)
  shell.kill('SIGTERM')
  t.strictSame(await over, [0, null])
  t.notOk(existsSync(join(cwd, 'data', 'server.json')), 'nothing keeps the port and the data folder')
})

t.test('the INT that npm sends after that of the terminal is not a second one', async t => {
  const cwd = place(t, { manager: { stop_grace: '60s' } }, {
    'waits.mjs': `import { existsSync } from 'node:fs'
    export default { id: 'waits', func: async () => {
      while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 20))
    } }`
  })
  const { output, child, over } = await serve(t, [], { cwd, env: { npm_lifecycle_event: 'start' } })
  t.equal((await cli(['run', 'waits'], { cwd })).code, 0)
  child.kill('SIGINT')
  child.kill('SIGINT')
  await until(() => output.out.includes('"notice":"stopping"'))
  writeFileSync(join(cwd, 'go'), '')
  t.equal(await over, 0)
  t.match(notices(output.out).find(({ notice }) => notice === 'settled'), { outcome: 'completed' })
})

t.test('an invalid configuration exits with 78 and a fix', async t => {
  const cwd = place(t)
  const broken: [string, RegExp][] = [
    ['{ "server": { "hots": "x" } }', /config\.json:1:15 \/server\/hots\n/],
    ['{ "server": { "port": 99999 } }', /found 99999, expected a whole number from 0 to 65535/],
    ['{ bad', /config\.json:1:3/],
    ['{ "server": { "host": "0.0.0.0" } }', /no token was given/],
    ['{ "server": { "host": "::" } }', /no token was given/]
  ]
  for (const [text, words] of broken) {
    writeFileSync(join(cwd, 'config.json'), text)
    const { code, err, out } = await cli(['start'], { cwd })
    t.equal(code, 78, text)
    t.match(err, words)
    t.notMatch(err, /\n +at \w+.*\.ts:|Error:/, 'without a stack')
    t.equal(out, '')
  }
  t.match(await cli(['start', '-c', 'nope.json'], { cwd }), {
    code: 78,
    err: /The configuration nope\.json does not exist/
  })
  t.notOk(existsSync(join(cwd, 'data', 'offpeak.db')), 'nothing was begun')
})

t.test('a port in use is reported', async t => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as AddressInfo
  const { code, err } = await cli(['start', '--port', String(port)], { cwd: place(t) })
  t.equal(code, 1)
  const owner = process.platform === 'linux' ? ` by process ${process.pid} \\(.*\\)` : ''
  t.match(err, new RegExp(
    `^offpeak: port ${port} of 127.0.0.1 is in use${owner}: stop the program that listens there, or start with --port`
  ))
})

t.test('a second start on a folder and port in use names the owner of the folder', async t => {
  const cwd = place(t)
  const { url, child } = await serve(t, [], { cwd })
  const { code, err } = await cli(['start', '--port', new URL(url).port], { cwd })
  t.equal(code, 1)
  t.match(err,
    new RegExp(`^offpeak: Another offpeak uses this data folder: .*, process ${child.pid} on .*\\n {2}Stop it`))
  t.equal((await fetch(`${url}/readyz`)).status, 200, 'the one that has it goes on')
})

t.test('--display-only prints the schedule and starts nothing', async t => {
  const cwd = place(t, { tasks: { echo: { enabled: false } } })
  const { code, out } = await cli(['start', '--display-only'], { cwd })
  t.equal(code, 0)
  t.match(out, /echo +disabled +At 03:00, every day \(UTC\)/)
  t.notOk(existsSync(join(cwd, 'data', 'offpeak.db')))
})
