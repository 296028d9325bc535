// The page as a browser shows it. It asks whoever started it to make things happen, by a word on standard output that is
// answered with a line on standard input; it ends with 0 where all is as it should be.
//
//     node browser.mjs URL CHROMIUM DIRECTORY-FOR-SCREENSHOTS

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [url, executablePath, shots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 780 };
// For machines that do much else meanwhile.
const PATIENCE = 30_000;

async function ask(word) {
  process.stdout.write(`${word}\n`);
  const { value, done } = await answers.next();
  assert(!done, `nobody answers to ${word}`);
  return value;
}

const browser = await chromium.launch({
  executablePath,
  // Tests may run as root in a container, where Chromium's own sandbox cannot be had.
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

// A page that notes what should not happen: errors, dialogs, and requests to anywhere else.
async function open(options, javaScriptEnabled = true) {
  const context = await browser.newContext({ javaScriptEnabled, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => { if (message.type() !== 'info' && message.type() !== 'log') wrong.push(message.text()); });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => { wrong.push(dialog.message()); dialog.dismiss(); });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) wrong.push(request.url());
  });
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  return { page, context, wrong };
}

async function accessible(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('; ')}`);
  assert.deepEqual(told, [], where);
}

async function fits(page, where) {
  const [scroll, client] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert(scroll <= client, `${where}: ${scroll} pixels in ${client}`);
}

const shoot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
const headline = (page) => page.locator('h1').textContent();

// 1. Without JavaScript the page is complete.
{
  const { page, context } = await open({ viewport: WIDE }, false);
  assert.equal(await headline(page), 'All is well');
  assert.deepEqual(await page.locator('.server .name b').allTextContents(), ['wg1', 'wg2', 'cloudflare_warp']);
  for (const row of await page.locator('.server summary').all()) {
    assert.match(await row.innerText(), /online\s+up/);
  }
  assert.equal(await page.locator('.bars .pass').first().isVisible(), true);
  await context.close();
}

// 2. Live: what has been opened stays open, title and icon follow.
const { page, context, wrong } = await open({ viewport: WIDE, colorScheme: 'light' });
await context.grantPermissions(['clipboard-read', 'clipboard-write']);
await page.waitForFunction(() => document.querySelector('.live .word') && document.title.startsWith('✓'));
const icon = await page.locator('#icon').getAttribute('href');
await page.locator('.server summary').first().focus();
await page.keyboard.press('Enter');
assert.equal(await page.locator('.server details').first().getAttribute('open'), '', 'the keyboard opens a server');
await page.waitForSelector('.server details[open] .explain .headline');
await page.locator('.server details[open] .copy').first().focus();
await page.keyboard.press('Enter');
await page.waitForFunction(() => document.getElementById('said').textContent.startsWith('Copied: hactl '));
assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^hactl .*socks_back_7891\/wg1$/);
await page.locator('.rest summary').click();
await page.waitForSelector('.rest .explain .headline');
await accessible(page, 'all is well, light');
await shoot(page, 'wide-light-well');

await page.evaluate(() => {
  new MutationObserver(() => {
    if (!window.changedAt && document.title.includes('by a backup')) window.changedAt = Date.now();
  }).observe(document.querySelector('title'), { childList: true });
});
const failedOver = Number(await ask('break'));
await page.waitForFunction(() => window.changedAt);
const late = await page.evaluate(() => window.changedAt) - failedOver;
process.stdout.write(`shown ${late}\n`);
assert.equal(await headline(page), 'Clients are served, by a backup');
assert.notEqual(await page.locator('#icon').getAttribute('href'), icon);
assert.equal(await page.locator('.server details').first().getAttribute('open'), '', 'what was opened stays open');
await page.waitForSelector('.server.v-degraded .why');
if ((await page.request.get(`${url}api/v1/events`)).ok()) await page.waitForSelector('.past .what');
await accessible(page, 'degraded, light');
await shoot(page, 'wide-light-degraded');

// 3. What others have written is text, on a narrow and dark screen as well.
await ask('pause');
await page.waitForSelector('.note');
assert.match(await page.locator('.note').first().textContent(), /<img src=x onerror=alert\(1\)>/);
assert.equal(await page.locator('img').count(), 0);
{
  const narrow = await open({ viewport: NARROW, colorScheme: 'dark', deviceScaleFactor: 2 });
  await narrow.page.locator('.server summary').first().click();
  await narrow.page.waitForSelector('.server details[open] .explain .headline');
  await fits(narrow.page, 'narrow');
  await accessible(narrow.page, 'degraded, dark, narrow');
  await shoot(narrow.page, 'narrow-dark-degraded');
  assert.deepEqual(narrow.wrong, []);
  await narrow.context.close();
}
await page.emulateMedia({ colorScheme: 'dark' });
await accessible(page, 'degraded, dark');
await shoot(page, 'wide-dark-degraded');
assert.deepEqual(wrong, [], 'errors, dialogs and requests to elsewhere');

// 4. Without hactl the page says that it is old.
await ask('end');
await page.waitForSelector('html.lost');
assert.match(await page.locator('#lost').textContent(), /^No word from hactl since /);
assert.match(await page.title(), /no connection/);
await shoot(page, 'wide-dark-lost');
await browser.close();
process.stdout.write('done\n');
process.exit(0);
