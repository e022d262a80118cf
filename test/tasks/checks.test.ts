import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { checkSystem } from '../../backgroundtask/check_system.ts'
import { TASK_DEFINITIONS as WEBSITE } from '../../backgroundtask/check_website_status.ts'
import { TASK_DEFINITIONS as SWEEP } from '../../backgroundtask/cleanup_old_runs.ts'
import { TASK_DEFINITIONS as HEARTBEAT } from '../../backgroundtask/heartbeat.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { Warned } from '../../core/model/run/outcome.ts'
import { readSystem } from '../../core/sense/source/system.ts'
import { fakeContext } from './context.ts'
import { webServer } from './server.ts'

const never = () => new Promise<never>(() => {})

tap.test('the real machine can be read', async t => {
  const reading = await readSystem({ paths: ['/'] })
  for (const value of [reading.memory_percent, reading.disk_percent, reading.cpu_percent]) {
    t.ok(typeof value === 'number' && value >= 0 && value <= 100, String(value))
  }
})

tap.test('a sensor that hangs or fails is unknown, and the others are read', async t => {
  const sources = {
    cpu: never,
    memory: () => Promise.reject(new Error('no')),
    fileSystems: async () => [{ mount: '/', use: 40 }, { mount: '/data', use: 95.55 }]
  }
  const reading = await readSystem({ paths: ['/data/x', '/database', '/'], timeoutMs: 20, sources })
  t.strictSame(reading, {
    cpu_percent: 'unknown',
    memory_percent: 'unknown',
    disk_percent: 95.6,
    disks: [{ path: '/data/x', percent: 95.6 }, { path: '/database', percent: 40 }, { path: '/', percent: 40 }]
  })
})

const reads = (cpu: number | 'unknown', memory: number | 'unknown', disk: number | 'unknown') => async () => ({
  cpu_percent: cpu,
  memory_percent: memory,
  disk_percent: disk,
  disks: [{ path: '/', percent: disk }]
})

tap.test('the system check warns of values above their limits', async t => {
  const { ctx } = fakeContext('check_system')
  t.match(await checkSystem(ctx, reads(80, 80, 90)), { high: [], cpu_percent: 80 })
  t.match(await checkSystem(ctx, reads(80.1, 81, 90.5)), {
    message: 'Processor is at 80.1 %, over 80 %; Memory is at 81 %, over 80 %; Disk of / is at 90.5 %, over 90 %'
  })
  t.match(await checkSystem(fakeContext('check_system', { max_disk: 10 }).ctx, reads(1, 1, 11)), { message: /^Disk/ })
  t.match(await checkSystem(ctx, reads('unknown', 1, 1)), { unknown: ['Processor'] })
  await t.rejects(checkSystem(ctx, reads('unknown', 'unknown', 'unknown')), { message: /could be read/ })
})

async function site (t: Test, handle: RequestListener, payload: object = {}) {
  const { url, allow } = await webServer(t, handle)
  const state = join(t.testdir(), 'state', 'websites.json')
  return { url, state, ...fakeContext('check_website_status', { url, allow, state_file: state, ...payload }) }
}

const run = async (ctx: TaskContext) => WEBSITE[0]!.func(ctx)

tap.test('a site that answers is up, and a change is reported once', async t => {
  const answers = [200, 503, 503, 200]
  const { ctx, url } = await site(t, (_request, response) => response.writeHead(answers.shift()!).end('hello'))
  t.match(await run(ctx), { up: true, status: 200, bytes: 5, changed: false })
  const down = await run(ctx) as Warned
  t.match(down, {
    message: `${url} is down: it answered 503`,
    result: { up: false, status: 503, changed: true, before: { up: true } }
  })
  t.match(await run(ctx), { result: { up: false, changed: false } })
  t.match(await run(ctx), {
    up: true,
    changed: true,
    before: { up: false, since: (down.result as { since: string }).since }
  })
})

tap.test('a site that is down can fail the run', async t => {
  const { ctx } = await site(t, (_request, response) => response.writeHead(404).end(), { on_down: 'fail' })
  await t.rejects(run(ctx), { message: /is down: it answered 404/ })
})

tap.test('other status codes and a text can be expected', async t => {
  const { ctx } = await site(t, (_request, response) => response.writeHead(401).end('please log in'), {
    expect_status: [200, 401],
    expect_text: 'log in'
  })
  t.match(await run(ctx), { up: true })
  t.match(await run({ ...ctx, payload: { ...ctx.payload as object, expect_text: 'welcome' } }), {
    message: /expected text is missing/
  })
})

tap.test('a check of a site that never answers, or never stops, times out', async t => {
  const silent = await site(t, () => {}, { timeout: 0.1 })
  t.match(await run(silent.ctx), { message: /no answer within 100 ms/ })
  const drip = await site(t, (_request, response) => {
    response.write('x')
  }, { timeout: 0.1 })
  t.match(await run(drip.ctx), { message: /no answer within/ })
})

tap.test('a closed connection means down; a slow answer is a warning', async t => {
  const { ctx } = await site(t, (_request, response) => response.end(), { slow_after: 0 })
  t.match(await run(ctx), { message: / took / })
  const gone = await site(t, request => request.destroy())
  t.match(await run(gone.ctx), { message: /ECONNRESET/ })
})

tap.test('a run without a URL is skipped; one with a forbidden URL fails', async t => {
  await t.rejects(run(fakeContext('check_website_status').ctx), {
    name: 'Skip',
    message: /builtin\.check_website_status\.payload\.url/
  })
  for (const url of ['http://127.0.0.1:1/', 'file:///etc/passwd', 'http://169.254.169.254/latest/meta-data']) {
    await t.rejects(run(fakeContext('check_website_status', { url }).ctx), { name: 'Fatal', message: /payload\.url/ },
      url)
  }
})

tap.test('a stop ends the request', async t => {
  const { ctx, stop } = await site(t, () => stop.abort(new Error('stopped')))
  await t.rejects(run(ctx), { message: 'stopped' })
})

tap.test('a state file that is invalid or a link is replaced', async t => {
  const { ctx, state } = await site(t, (_request, response) => response.end())
  mkdirSync(join(state, '..'))
  writeFileSync(state, '{')
  t.match(await run(ctx), { up: true, changed: false })
  t.match(JSON.parse(readFileSync(state, 'utf8')), { [(ctx.payload as { url: string }).url]: { up: true } })
  const precious = join(state, '..', 'precious')
  writeFileSync(precious, 'mine')
  symlinkSync(precious, `${state}.link`)
  await run({ ...ctx, payload: { ...ctx.payload as object, state_file: `${state}.link` } })
  t.equal(readFileSync(precious, 'utf8'), 'mine')
})

const beat = async (ctx: TaskContext) => HEARTBEAT[0]!.func(ctx)

tap.test('a heartbeat completes even if its ping fails', async t => {
  const { ctx, recorded } = fakeContext('heartbeat')
  t.match(await beat(ctx), { uptime: Number, machine_uptime: Number })
  t.match(recorded.log, [[{ uptime: Number }, /^up for /]])
  let pings = 0
  const { url, allow } = await webServer(t, (request, response) => {
    pings++
    if (request.url === '/silent') return
    response.writeHead(request.url === '/ok' ? 200 : 500).end()
  })
  t.match(await beat(fakeContext('heartbeat', { ping_url: `${url}/ok`, allow }).ctx), { ping: 'ok' })
  t.match(await beat(fakeContext('heartbeat', { ping_url: `${url}/bad`, allow }).ctx), { message: /answered 500/ })
  t.match(await beat(fakeContext('heartbeat', { ping_url: `${url}/ok` }).ctx), { message: /loopback/ })
  t.match(await beat(fakeContext('heartbeat', { ping_url: 'nonsense' }).ctx), { message: /not a URL/ })
  t.match(await beat(fakeContext('heartbeat', { ping_url: `${url}/silent`, allow, ping_timeout: 0.05 }).ctx), {
    message: /no answer in time/
  })
  t.equal(pings, 3)
})

const sweep = async (ctx: TaskContext) => SWEEP[0]!.func(ctx)

tap.test('old runs are removed by the service of the host; without it the run is skipped', async t => {
  t.strictSame(
    await sweep(fakeContext('cleanup_old_runs', {}, { services: { offpeak: { sweep: async () => 7 } } }).ctx),
    { removed: 7 }
  )
  await t.rejects(sweep(fakeContext('cleanup_old_runs').ctx), { name: 'Skip' })
})
