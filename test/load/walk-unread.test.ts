import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { setup, task } from './task-files.ts'

tap.test('an unreadable task file is reported, and the others are found [F37]', {
  skip: process.getuid?.() === 0 && 'root reads everything'
}, async t => {
  const { directory, folder, ids, broken } = setup(t, {
    'good.ts': task('good'),
    'shut.ts': task('shut'),
    'shut.sh': '#!/bin/sh\n# offpeak: id = script\necho hi\n'
  })
  for (const name of ['shut.ts', 'shut.sh']) chmodSync(join(directory, name), name === 'shut.sh' ? 0o100 : 0)
  await folder.start()
  t.same(ids(), ['good'])
  t.same(broken().map(({ file }) => file).toSorted(), ['shut.sh', 'shut.ts'])
  for (const fault of broken()) t.match(fault, { message: /may not be read/, fix: /Let the user/ })
})
