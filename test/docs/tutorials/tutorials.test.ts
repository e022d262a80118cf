import t from 'tap'
import { PAGES } from '../blocks.ts'
import { LONG } from '../page.ts'
import { followTutorial } from './follow.ts'

t.setTimeout(400_000)

for (const page of PAGES.filter(name => name.startsWith('docs/tutorials/'))) {
  t.test(`${page} prints what it shows`, { timeout: LONG }, t => followTutorial(t, page))
}
