import t from 'tap'
import { fingerprintOf, foldedWords } from '../../core/engine/fingerprint.ts'

t.test('what is of one occasion alone is folded away', t => {
  const cases: [string, string][] = [
    ['timed out after 5.2 s', 'timed out after # s'],
    ['no table \'runs\' in "main"', "no table '…' in '…'"],
    ["I can't and you don't", "I can't and you don't"],
    ["ENOENT: no such file, open '/tmp/a b/c.txt'", "ENOENT: no such file, open '…'"],
    ['cannot read /var/lib/x/7.db: denied', 'cannot read <path>: denied'],
    ['cannot read C:\\data\\x.db now', 'cannot read <path> now'],
    ['GET https://example.org/a?b=1 answered 503', 'GET <url> answered #'],
    ['object 0xDEADbeef and deadbeef12, 3f2b8a10-1111-2222-3333-0123456789ab', 'object <hex> and <hex>, <hex>'],
    ['defaced facade and/or effaced', 'defaced facade and/or effaced'],
    ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED #'],
    ['two\n   lines', 'two lines']
  ]
  for (const [message, folded] of cases) t.equal(foldedWords(message), folded)
  t.end()
})

t.test('failures of one kind have one fingerprint, others another', t => {
  const of = (name: string, message: string) => fingerprintOf({ name, message })
  t.match(of('Error', 'boom'), /^[0-9a-f]{16}$/)
  t.equal(of('Error', 'row 17 of 20'), of('Error', 'row 3 of 400'))
  t.not(of('Error', 'boom'), of('TypeError', 'boom'))
  t.not(of('Error', 'boom'), of('Error', 'bang'))
  t.end()
})

t.test('a long and hostile message costs little [S18]', t => {
  const before = process.cpuUsage()
  for (const part of ["'", '/', 'a', '0', "'/a0:", '"\\', 'a-0', '1.']) foldedWords(part.repeat(4000))
  t.ok(process.cpuUsage(before).user < 10_000_000, 'seconds of a processor, not minutes')
  t.end()
})
