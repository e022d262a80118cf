import t from 'tap'
import { released } from '../../docs/release.ts'
import { textOf } from './blocks.ts'

const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
const { version } = JSON.parse(textOf('package.json')) as { version: string }
const CHANGELOG = textOf('CHANGELOG.md')
const headings = (level: string) =>
  [...CHANGELOG.matchAll(new RegExp(`^${level} (.+)$`, 'gm'))].map(([, heading]) => heading!)

t.test('the changelog begins with what is unreleased, and has a section for each version', async t => {
  const [first, ...versions] = headings('##')
  t.equal(first, '[Unreleased]')
  t.strictSame(versions.filter(heading => !/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/.test(heading)), [], 'with its date')
  t.match(versions[0], `[${version}] - `, 'the version of package.json is the newest')
  const dates = versions.map(heading => heading.slice(-10))
  t.strictSame(dates, dates.toSorted().toReversed(), 'the newest first')
})

t.test('the changelog says what was added, changed, removed and fixed, in one list each', async t => {
  t.strictSame(headings('###').filter(kind => !KINDS.includes(kind)), [])
  const lines = CHANGELOG.split('\n').slice(4)
  t.strictSame(lines.filter(line => line !== '' && !/^(##|###|-| ) /.test(line)), [])
})

t.test('a release moves what is unreleased under its version', async t => {
  const before = '# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A fault.\n\n## [0.1.0] - 2026-01-02\n'
  const after = released(before, '0.2.0', '2026-02-03')
  t.match(after, '## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n### Fixed\n\n- A fault.\n\n## [0.1.0] - 2026-01-02\n')
  t.throws(() => released(after, '0.3.0', '2026-02-04'), { message: 'Nothing is unreleased' })
})
