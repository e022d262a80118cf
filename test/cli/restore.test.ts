import t from 'tap'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cli } from './setup.ts'

const ROOT = resolve(import.meta.dirname, '../..')

t.test('a backup is listed and restored by name', { timeout: 240_000 }, async t => {
  const cwd = t.testdir({ photos: { 'a.txt': 'first', deep: { 'b.txt': 'second' } } })
  const config = {
    manager: { tasks_directory: join(ROOT, 'backgroundtask') },
    tasks: { backup_data: { payload: { source: 'photos', target: 'kept' } } }
  }
  writeFileSync(join(cwd, 'config.json'), JSON.stringify(config))
  mkdirSync(join(cwd, 'kept'))
  const ask = (...words: string[]) => cli(words, { cwd })
  t.match(await ask('restore'), { code: 0, out: /There are no backups in .*kept/ })
  t.match(await ask('test', join(ROOT, 'backgroundtask/backup_data.ts')), { code: 0 })
  const { out } = await ask('restore')
  const archive = /\S+\.tar\.zst/.exec(out)![0]
  t.match(await ask('restore', archive), { code: 2, err: /--into/ })
  t.match(await ask('restore', archive, '--into', 'back'), { code: 0, out: /"files":2/ })
  t.equal(readFileSync(join(cwd, 'back/deep/b.txt'), 'utf8'), 'second')
  t.match(await ask('restore', 'nothing.tar.zst', '--into', 'back'), { code: 1, out: /nothing was restored: / })
})
