import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createManager } from '../../core/manager.ts'
import { removeTemporary, writeAtomic } from '../../core/load/file/atomic-write.ts'

const OLD = Date.now() / 1000 - 3600

/** A file that a killed process has left. */
function left (folder: string, name: string, at = OLD): string {
  writeFileSync(join(folder, name), '{')
  utimesSync(join(folder, name), at, at)
  return name
}

t.test('a write removes unfinished files of killed writes of the same file, and no others [F12]', async t => {
  const folder = t.testdir({ 'config.json': '{}' })
  const file = join(folder, 'config.json')
  left(folder, `.config.json.${randomUUID()}.tmp`)
  left(folder, `.config.json.${randomUUID()}.tmp`)
  const kept = [
    left(folder, `.config.json.${randomUUID()}.tmp`, Date.now() / 1000),
    left(folder, `.other.json.${randomUUID()}.tmp`),
    left(folder, '.config.json.mine.tmp'),
    left(folder, `config.json.${randomUUID()}.tmp`)
  ]
  mkdirSync(join(folder, 'folder.tmp'))
  await writeAtomic({ file, text: '{ "a": 1 }', mode: 0o600 })
  t.same(readdirSync(folder).toSorted(), [...kept, 'config.json', 'folder.tmp'].toSorted())
  t.equal(readFileSync(file, 'utf8'), '{ "a": 1 }')
})

t.test('a missing folder has no unfinished files', async t => {
  await removeTemporary(join(t.testdir(), 'missing', 'config.json'))
})

t.test('a start removes the unfinished file of a killed edit of the configuration [F12]', async t => {
  const folder = t.testdir({ 'config.json': '{ "manager": { "tasks_directory": "tasks" } }', tasks: {} })
  left(folder, `.config.json.${randomUUID()}.tmp`)
  const manager = await createManager({ configFile: join(folder, 'config.json'), files: 'once', loops: 'none' })
  t.teardown(() => manager.stop())
  await manager.start()
  t.same(readdirSync(folder).filter(name => name.endsWith('.tmp')), [])
})
