import t from 'tap'
import { LONG, follow } from './page.ts'

t.setTimeout(400_000)

t.test('README.md can be followed from top to bottom', { timeout: LONG }, t => follow(t, 'README.md'))
