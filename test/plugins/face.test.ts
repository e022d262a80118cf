import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createManager } from '../../core/manager.ts'
import { faceOf } from '../../core/face.ts'

const ROOT = resolve(import.meta.dirname, '../..')

t.test('plugins see the narrow face of the manager, and use all of it', async t => {
  const manager = await createManager({ config: { engine: { folder: t.testdir() } }, files: 'none', loops: 'none' })
  const face = faceOf(manager)
  for (const part of ['engine', 'runner', 'planner', 'senses', 'settings', 'start', 'stop']) {
    t.notOk(part in face, `${part} is no member`)
  }
  const code = globSync('plugins/**/*.ts', { cwd: ROOT }).map(file => readFileSync(join(ROOT, file), 'utf8')).join('\n')
  const unused = Object.keys(face).filter(name =>
    !new RegExp(`manager\\??\\.${name}\\b|[{,] ${name}[ ,:}].*manager|{ ${name} }: ManagerFace`, 'i').test(code)
  )
  t.strictSame(unused, [], 'a member that no plugin uses does not belong here')
  t.equal(face.state, 'stopped')
  await manager.start()
  t.equal(face.state, 'started', 'it follows the manager')
  t.match(await face.health(), { status: 'ok', state: 'started' })
  await manager.stop()
})
