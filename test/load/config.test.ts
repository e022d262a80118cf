import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { configFaults, defaultsOf } from '../../core/model/config/config.ts'
import { OffpeakError } from '../../core/model/errors/errors.ts'
import { loadConfig } from '../../core/load/config/config.ts'
import { quickFolder } from '../../core/load/config/quick-folder.ts'
import { spawnSync } from '../child.ts'
import { schemaText } from '../../core/load/config/schema.ts'

function setup (t: Test, files: Record<string, string> = {}) {
  const folder = t.testdir(files)
  const file = join(folder, 'config.json')
  const load = (env: Record<string, string> = {}, environment?: string) => loadConfig({ file, env, environment })
  const fault = async (env: Record<string, string> = {}, environment?: string) => {
    const error = await load(env, environment).then(() => null, (thrown: unknown) => thrown)
    if (!(error instanceof OffpeakError)) throw new Error(`expected a refusal, got ${String(error)}`)
    return error
  }
  return { folder, file, load, fault }
}

const at = (text: string) => ({ 'config.json': text })

tap.test('without a file every setting has its default', async t => {
  const { load } = setup(t)
  const { config, files, etag } = await load()
  t.same(config, defaultsOf(new Intl.DateTimeFormat().resolvedOptions().timeZone))
  t.same(files, [])
  t.match(etag, /^"[0-9a-f]{16}"$/)
  t.equal(config.manager.max_tasks, 1000)
  t.equal(config.engine.synchronous, 'full')
})

tap.test('the file overrides the defaults, and the configuration is frozen', async t => {
  const { load, file } = setup(t,
    at('\uFEFF{\n  // a comment\n  "server": { "port": 0, },\n  "tasks": { "a": { "enabled": false } },\n}'))
  const { config, files } = await load()
  t.equal(config.server.port, 0)
  t.equal(config.server.host, '127.0.0.1')
  t.same(config.tasks, { a: { enabled: false } })
  t.same(files, [file])
  t.throws(() => {
    ;(config.server as { port: number }).port = 1
  }, TypeError)
  t.throws(() => {
    ;(config.tasks.a as { enabled: boolean }).enabled = true
  }, TypeError)
})

tap.test('a fault names file, line, column, pointer, what was found and what was expected [F40]', async t => {
  const { fault, file } = setup(t, at('{\n  "server": {\n    "port": "80"\n  }\n}'))
  const error = await fault()
  t.equal(error.code, 'OFFPEAK_CONFIG_INVALID')
  t.same(error.place, { file, line: 3, column: 5, pointer: '/server/port' })
  t.match(error.message, "found '80', expected a whole number from 0 to 65535")
  t.ok(error.fix)
})

tap.test('all faults are reported, unknown keys with the nearest known one', async t => {
  const { fault } = setup(t, at(
    '{ "manger": {}, "manager": { "timezone": "Mars/Base", "stop_grace": "soon" }, ' +
      '"tasks": { "Bad Id": {}, "a": { "timeot": 3 } } }'
  ))
  const { errors } = await fault()
  t.same(errors?.map(({ pointer }) => pointer).toSorted(), ['/manager/stop_grace', '/manager/timezone', '/manger',
    '/tasks/Bad Id', '/tasks/a/timeot'])
  t.match(errors?.find(({ pointer }) => pointer === '/manger')?.detail, "did you mean 'manager'?")
  t.match(errors?.find(({ pointer }) => pointer === '/tasks/a/timeot')?.detail, "did you mean 'timeout'?")
})

const REFUSED: [string, string, RegExp, number][] = [
  ['half a file', '{\n  "server": {\n    "port": 80', /ends before/, 3],
  ['an empty file', ' \n', /is empty/, 0],
  ['a list', '[]', /found a list, expected an object/, 1],
  ['a key that stands twice', '{\n  "server": {},\n  "server": {}\n}', /stands twice/, 2],
  ['__proto__', '{\n  "services": { "__proto__": { "polluted": 1 } }\n}', /no setting may have/, 2],
  ['constructor', '{ "services": { "constructor": {} } }', /no setting may have/, 1],
  ['prose', 'hello', /not a JSON value/, 1],
  ['deep nesting', `{ "services": ${'{"a":'.repeat(100)}1${'}'.repeat(100)} }`, /nested deeper/, 1],
  ['nesting that overflows the stack', '['.repeat(200_000), /JSON/, 1]
]

for (const [what, text, message, line] of REFUSED) {
  tap.test(`${what} is refused`, async t => {
    const error = await setup(t, at(text)).fault()
    t.match(error.message, message)
    if (line > 0) t.equal(error.place.line, line)
    t.notOk(({} as { polluted?: number }).polluted)
  })
}

tap.test('a file of more than a megabyte is refused without being read [F40]', async t => {
  const { fault } = setup(t, at(`{ "services": { "a": "${'x'.repeat(1024 * 1024)}" } }`))
  t.match((await fault()).message, 'expected at most 1048576')
})

tap.test('the overlay overrides config.json, and its faults name it', async t => {
  const { load, folder, file } = setup(t, {
    ...at('{ "server": { "port": 1, "docs": false } }'),
    'config.production.json': '{ "server": { "port": 2 } }'
  })
  const { config, files } = await load({}, 'production')
  t.equal(config.server.port, 2)
  t.equal(config.server.docs, false)
  t.same(files, [file, join(folder, 'config.production.json')])
  t.equal((await load({ OFFPEAK_ENV: 'production' })).config.server.port, 2)
  t.equal((await load({ OFFPEAK_ENV: 'staging' })).config.server.port, 1)
  writeFileSync(join(folder, 'config.production.json'), '{ "server": { "port": [] } }')
  const broken = await load({}, 'production').then(() => null, (error: OffpeakError) => error)
  t.equal(broken?.place.file, join(folder, 'config.production.json'))
  await t.rejects(load({}, '../etc/passwd'), { code: 'OFFPEAK_CONFIG_INVALID' })
})

tap.test('variables override files, and long names override short ones', async t => {
  const { load } = setup(t, at('{ "server": { "port": 1 } }'))
  const { config, sources } = await load({
    OFFPEAK_SERVER__PORT: '8080',
    OFFPEAK_PORT: '9',
    OFFPEAK_HOST: '::1',
    OFFPEAK_DATA: '2024',
    OFFPEAK_LOG_LEVEL: 'debug',
    OFFPEAK_TASKS__CLEAN_UP__ENABLED: 'false',
    OFFPEAK_SERVER__ALLOWED_HOSTS: '["box.lan"]',
    OFFPEAK_OTHER: 'x',
    PATH: '/bin'
  })
  t.equal(config.server.port, 8080)
  t.equal(config.server.host, '::1')
  t.equal(config.engine.folder, '2024')
  t.equal(config.log.level, 'debug')
  t.same(config.tasks, { clean_up: { enabled: false } })
  t.same(config.server.allowed_hosts, ['box.lan'])
  t.equal(sources.lineOf('/server/port')?.file, 'OFFPEAK_SERVER__PORT')
})

tap.test('a variable can name a file that contains the value', async t => {
  const { load, fault, folder } = setup(t, { port: '8081\n' })
  t.equal((await load({ OFFPEAK_PORT_FILE: join(folder, 'port') })).config.server.port, 8081)
  t.equal((await load({ OFFPEAK_SERVER__TOKEN_FILE: '/run/token' })).config.server.token_file, '/run/token')
  t.match((await fault({ OFFPEAK_PORT_FILE: join(folder, 'port'), OFFPEAK_PORT: '1' })).message, 'are both set')
  t.match((await fault({ OFFPEAK_PORT_FILE: join(folder, 'none') })).message, 'cannot be read')
})

tap.test('the error of an invalid variable names it', async t => {
  const { fault } = setup(t)
  const error = await fault({ OFFPEAK_PORT: 'eighty' })
  t.equal(error.place.file, 'OFFPEAK_PORT')
  t.match(error.message, "found 'eighty'")
  t.match((await fault({ OFFPEAK_SERVR__PORT: '1' })).fix, "'server'")
  t.match((await fault({ OFFPEAK_TASKS____PROTO____X: '1' })).message, 'names no setting')
})

tap.test('the place of a setting is known, and null for a default', async t => {
  const { load, file } = setup(t, at('{\n  "server": { "allowed_hosts": ["a", "b"] }\n}'))
  const { sources } = await load()
  t.same(sources.lineOf('/server/allowed_hosts/1'), { file, line: 2, column: 38, pointer: '/server/allowed_hosts/1' })
  t.equal(sources.lineOf('/server/port'), null)
})

tap.test('the entity tag depends on the bytes of config.json, the digest on all sources', async t => {
  const { load, file } = setup(t, at('{}'))
  const first = await load()
  const env = await load({ OFFPEAK_PORT: '1' })
  t.equal(first.etag, env.etag)
  t.not(first.digest, env.digest)
  writeFileSync(file, '{ }')
  t.not((await load()).etag, first.etag)
})

const ROOT = resolve(import.meta.dirname, '../..')
// The file in the folder may belong to a user.
const { stdout: shipped, status } = spawnSync('git', ['show', 'HEAD:./config.json'], { cwd: ROOT, encoding: 'utf8' })

tap.test('the shipped config.json is valid and contains only defaults', {
  skip: status !== 0 && 'a copy without its history'
}, async t => {
  const { config } = await setup(t, at(shipped)).load()
  t.same({ ...config, manager: { ...config.manager, task_timeout: 300 } }, defaultsOf(config.manager.timezone))
})

tap.test('config.schema.json is up to date', async t => {
  t.equal(readFileSync(join(ROOT, 'config.schema.json'), 'utf8'), schemaText(),
    'run node core/load/config/write-schema.ts')
  t.same(configFaults({ $schema: 'x' }), [])
})

tap.test('a pipe in place of the file is refused at once', { skip: process.platform === 'win32' }, async t => {
  const { file, fault } = setup(t)
  spawnSync('mkfifo', [file])
  t.match(await fault(), { code: 'OFFPEAK_CONFIG_INVALID', message: `${file} cannot be read` })
  t.equal(await quickFolder({ file, environment: undefined, env: {} }), 'data')
})
