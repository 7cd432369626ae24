import { parseJson } from '../wire/message';
import { harmlessObject } from './plain-data';

const parseObject = (text: string): object | undefined => harmlessObject(parseJson(text));

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

it.each([
  ['{}', {}],
  ['{"a":[1,"b",null,{"c":true}]}', { a: [1, 'b', null, { c: true }] }],
  ['{"constructor":"Gaudí","prototype":1,"proto":2}', { constructor: 'Gaudí', prototype: 1, proto: 2 }],
  ['{"a":"__proto__"}', { a: '__proto__' }],
])('reads %s', (text, value) => {
  expect(parseObject(text)).toEqual(value);
});

it.each([
  '',
  ' ',
  'null',
  'true',
  '1',
  '"a"',
  '[]',
  '{',
  '{}x',
  "{'a':1}",
  '{"a":undefined}',
  '\ufeff{}',
  '{"__proto__":1}',
  '{"a":[{"__proto__":{}}]}',
  '{"\\u005f\\u005fproto__":{}}',
  '{"constructor":{}}',
  '{"constructor":null}',
])('refuses %j', (text) => {
  expect(parseObject(text)).toBeUndefined();
});

it('reads what is nested 32 deep, and no deeper', () => {
  expect(parseObject(nested(32))).toBeDefined();
  expect(parseObject(nested(33))).toBeUndefined();
  expect(parseObject(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)).toBeUndefined();
});
