import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownImports, productFiles } from '../../docs/pictures/imports.ts'
import { roomSizes, roomTable } from '../../docs/pictures/room-table.ts'
import { draw } from '../../docs/pictures/rooms.ts'
import { ROOT, textOf } from './blocks.ts'

const PAGE = textOf('docs/explanation/architecture.md')
const ERRANDS = PAGE.split('## I want to …')[1]!.split('\n## ')[0]!
/** How far the numbers of the table may be off before it is written again. */
const SLACK = 0.25

/** The rows of a table as their cells. */
const rowsOf = (text: string): string[][] =>
  text.split('\n').filter(line => /^\| (?!-)/.test(line)).slice(1).map(line =>
    line.slice(2, -2).split(' | ').map(cell => cell.trim())
  )

function isExported (name: string, text: string): boolean {
  const declared = new RegExp(`^export (?:default )?(?:async )?(?:const|function|class|interface|type) ${name}\\b`, 'm')
  return declared.test(text) || new RegExp(`^export (?:type )?\\{[^}]*\\b${name}\\b`, 'm').test(text)
}

t.test('every errand leads to files that export what it says', async t => {
  const rows = rowsOf(ERRANDS)
  t.ok(rows.length >= 12, 'the commonest are there')
  for (const [errand, where] of rows as [string, string][]) {
    const places = [...where.matchAll(/`([\w./-]+\.ts)`(?: \(([^)]+)\))?/g)]
    t.ok(places.length > 0, `${errand}: says where`)
    for (const [, file, names = ''] of places) {
      if (!t.ok(existsSync(join(ROOT, file!)), `${errand}: ${file} exists`)) continue
      const text = readFileSync(join(ROOT, file!), 'utf8')
      const missing = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!).filter(name => !isExported(name, text))
      t.strictSame(missing, [], `${errand}: ${file} exports it`)
    }
  }
})

t.test('every room has its paragraph, and no paragraph is of a room that is gone', async t => {
  const named = [...PAGE.matchAll(/^- \*\*`([^`]+)`\*\*: /gm)].map(([, room]) => room!)
  t.strictSame(named.toSorted(), roomSizes().map(({ room }) => room).toSorted())
})

t.test('the picture is drawn from the imports', async t => {
  const drawn = readFileSync(join(ROOT, 'docs/pictures/rooms.svg'), 'utf8')
  const plain = (text: string) =>
    text.replaceAll(/<tspan class="faint">[^<]*<\/tspan>/g, '').replaceAll(/ (?:x|y|width|height|d|viewBox)="[^"]*"/g,
      '').split('\n').toSorted()
  const now = draw(productFiles(), ownImports())
  t.strictSame(plain(drawn), plain(now), 'run node docs/pictures/rooms.ts')
  t.match(drawn, /prefers-color-scheme: dark/)
})

t.test('the table of the largest rooms is not far off', async t => {
  const [written, now] = [PAGE, roomTable()].map(text => rowsOf(text.split('## How')[0]!)) as [string[][], string[][]]
  t.equal(written.length, 5)
  const sizes = new Map(roomSizes().map(one => [`\`${one.room}\``, [one.files, one.lines, one.into, one.out]]))
  for (const [room, ...numbers] of written as [string, ...string[]][]) {
    const off = numbers.map(Number).filter((number, at) => {
      const real = sizes.get(room)?.[at] ?? NaN
      return !(Math.abs(number - real) <= Math.max(3, real * SLACK))
    })
    t.strictSame(off, [], `${room}: run node docs/pictures/rooms.ts`)
  }
  t.strictSame(now.length, written.length)
})

t.test('the glossary has each word once, in plain words', async t => {
  const words = rowsOf(PAGE.split('## Words')[1]!).map(([word]) => word!)
  t.ok(words.length > 20)
  t.strictSame(words, [...new Set(words)])
})
