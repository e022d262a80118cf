import t from 'tap'
import { PAGES, blocksOf } from './blocks.ts'
import { LONG, RUN, follow } from './page.ts'

const ELSEWHERE = ['README.md', 'docs/how-to/write-a-task.md', 'docs/how-to/write-a-script.md',
  'docs/how-to/test-a-task.md']

const isRun = (page: string) =>
  !ELSEWHERE.includes(page) && !page.startsWith('docs/tutorials/') &&
  blocksOf(page).some(({ language }) => RUN.includes(language))

// Each page starts offpeak and a score of its commands.
t.setTimeout(900_000)

for (const page of PAGES.filter(isRun)) {
  t.test(`${page} can be followed`, { timeout: LONG }, t => follow(t, page))
}
