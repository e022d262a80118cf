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
  t.match(await ask('restore'), { code: 0, out: /There are no backups of backup_data in .*kept\./ })
  t.match(await ask('test', join(ROOT, 'backgroundtask/backup_data.ts')), { code: 0 })
  const { out } = await ask('restore')
  const archive = /\S+\.tar\.zst/.exec(out)![0]
  t.match(await ask('restore', archive), { code: 2, err: /--into/ })
  t.match(await ask('restore', archive, '--into', 'back'), { code: 0, out: /"files":2/ })
  t.equal(readFileSync(join(cwd, 'back/deep/b.txt'), 'utf8'), 'second')
  for (const more of [[], ['--into', 'back']]) {
    t.match(await ask('restore', 'nothing.tar.zst', ...more), { code: 2, err: /no backup nothing\.tar\.zst in .*kept/ })
    t.match(await ask('restore', './nofile', ...more), {
      code: 2,
      err: /There is no file .*nofile\n.*lists the backups/
    })
  }
})

t.test('without a folder of backups, the list is empty and leads to the other kind', async t => {
  const cwd = t.testdir({ 'config.json': '{}' })
  t.match(await cli(['restore'], { cwd }), {
    code: 0,
    out: /no backups of backup_data in .*backups, which does not exist\.\n.*offpeak restore monday\.tar\.gz/
  })
})
