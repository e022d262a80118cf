import t from 'tap'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTS from 'openapi-typescript'
import { execFile, spawnSync } from '../child.ts'
import { ROOT, blocksOf } from './blocks.ts'
import { scratch } from '../work/harness.ts'
import { setup } from '../plugins/setup.ts'
import { promisify } from 'node:util'

const PROGRAM = blocksOf('docs/how-to/generate-a-client.md').find(({ language }) => language === 'typescript')!.text
const OPTIONS = {
  target: 'es2024',
  module: 'nodenext',
  strict: true,
  noEmit: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  types: ['node']
}

async function generated (t: Parameters<typeof setup>[0]) {
  const place = await setup(t)
  const folder = scratch(t)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
  put('package.json', '{ "type": "module" }')
  put('api.ts', await openapiTS((await place.ask({ url: '/api/openapi.json' })).json(), { silent: true }))
  /** What the compiler says of a program beside the generated types. */
  const compile = (text: string) => {
    put('client.ts', text)
    put('tsconfig.json', JSON.stringify({ compilerOptions: OPTIONS, files: ['client.ts'] }))
    // The compiler does not start under the hooks that tap gives to every process.
    const tsc = ['-u', 'NODE_OPTIONS', join(ROOT, 'node_modules/.bin/tsc'), '-p', folder]
    return spawnSync('env', tsc, { encoding: 'utf8' }).stdout
  }
  return { ...place, folder, compile }
}

t.test('a client that is generated from the description compiles, and runs a task of a real server', async t => {
  const { app, folder, manager, compile } = await generated(t)
  const wrong: [from: string, to: string, says: RegExp][] = [
    ["client.GET('/api/tasks'", "client.GET('/api/jobs'", /'"\/api\/jobs"' is not assignable/],
    ["priority: 'high'", "priority: 'highest'", /'"highest"' is not assignable/],
    ['last.finished_at', 'last.ended_at', /'ended_at' does not exist/],
    ['error.detail', 'error.words', /'words' does not exist/]
  ]
  const output = compile(wrong.reduce((text, [from, to]) => text.replace(from, to), PROGRAM))
  for (const [, to, expected] of wrong) t.match(output, expected, `the compiler finds ${to}`)

  t.equal(compile(PROGRAM), '')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  symlinkSync(manager.folder, join(folder, 'data'))
  const { stdout } = await promisify(execFile)(process.execPath, ['client.ts'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], OFFPEAK_URL: url }
  })
  t.equal(stdout, 'broken failed null\n', 'the first task is the one that fails')
})
