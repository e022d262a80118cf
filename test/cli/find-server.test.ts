import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { findServer, listeningFile } from '../../core/cli/remote/find-server.ts'
import { loadConfig } from '../../core/load/config/config.ts'
import { times } from '../depth.ts'

const folder = fc.constantFrom('data', 'other', 'deep/data', './dotted')
const layer = fc.record({
  engine: fc.record({ folder, synchronous: fc.constant('full') }, { requiredKeys: [] }),
  server: fc.record({ port: fc.constantFrom(7000, 7001) })
}, { requiredKeys: [] })
const world = fc.record({
  config: layer,
  overlay: fc.option(layer),
  named: fc.constantFrom(undefined, 'night'),
  env: fc.record({
    OFFPEAK_ENV: fc.constantFrom('night', 'absent'),
    OFFPEAK_DATA: folder,
    OFFPEAK_ENGINE__FOLDER: folder
  }, { requiredKeys: [] })
})

const jsonc = (value: object) => `// settings\n${JSON.stringify(value)}\n`

/** Writes that a server of this process listens for a data folder. */
function listen (data: string, token: string | null): string {
  mkdirSync(data, { recursive: true })
  const url = `http://127.0.0.1:9/${encodeURIComponent(data)}`
  writeFileSync(listeningFile(data), JSON.stringify({ url, pid: process.pid, token_file: token }))
  return url
}

t.test('a server is found in the folder that its whole configuration names', async t => {
  const base = t.testdir()
  let at = 0
  await fc.assert(
    fc.asyncProperty(world, async ({ config, overlay, named, env }) => {
      const root = join(base, String(at++))
      const file = join(root, 'config.json')
      const urls = new Map(
        ['data', 'other', 'deep/data', './dotted'].map(
          data => [data, listen(resolve(root, data), data === './dotted' ? null : join(root, 'secret'))]
        )
      )
      writeFileSync(file, jsonc(config))
      if (overlay !== null) writeFileSync(join(root, 'config.night.json'), jsonc(overlay))
      const whole = await loadConfig({ file, environment: named, env })
      const found = await findServer({ config: file, ...named && { env: named } }, env)
      return found.url === urls.get(whole.config.engine.folder)
    }),
    { numRuns: times(400) }
  )
  t.pass('for random files and environments')
})

t.test('the token is the one in the file that the running server uses', async t => {
  const root = t.testdir({ 'config.json': '{ "server": { "token_file": "changed" }', used: 'the secret\n' })
  const file = join(root, 'config.json')
  listen(join(root, 'data'), join(root, 'used'))
  const env = { OFFPEAK_DATA: join(root, 'data') }
  t.match(await findServer({ config: file }, env), { token: 'the secret', lack: null })
  t.match(await findServer({ config: file }, { ...env, OFFPEAK_TOKEN: 'given' }), { token: 'given' })
  writeFileSync(join(root, 'own'), 'my own')
  t.match(await findServer({ config: file }, { ...env, OFFPEAK_TOKEN_FILE: 'own' }), { token: 'my own' })
})

t.test('the file of a killed server is passed over', async t => {
  const root = t.testdir({ 'config.json': '{ "server": { "port": 7001 } }', data: {} })
  const written = JSON.stringify({ url: 'http://127.0.0.1:9', pid: 2 ** 30, token_file: join(root, 'secret') })
  for (const text of [written, '{', '']) {
    writeFileSync(listeningFile(join(root, 'data')), text)
    t.match(await findServer({ config: join(root, 'config.json') }, {}), { url: 'http://127.0.0.1:7001' })
  }
})
