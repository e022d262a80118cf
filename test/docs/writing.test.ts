import t from 'tap'
import { LONG, follow } from './page.ts'

t.setTimeout(400_000)

for (const name of ['write-a-task', 'write-a-script', 'test-a-task']) {
  t.test(`${name}.md can be followed`, { timeout: LONG }, t => follow(t, `docs/how-to/${name}.md`))
}
