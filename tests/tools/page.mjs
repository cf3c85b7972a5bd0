// What a person does on /docs, in a real browser: node page.mjs BASE_URL KEY TITLE PICTURE
// Prints the id of the issue it filed by "try it out". Fails if the page asks any other server for anything, or complains.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [base, key, title, picture] = process.argv.slice(2);
const operations = Object.values((await (await fetch(`${base}/openapi.json`)).json()).paths).flatMap((item) =>
    Object.values(item).map((operation) => operation.operationId),
);

const profile = await mkdtemp(join(tmpdir(), "issue-core-browser-"));
const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1280, height: 2000 },
    // Nothing of the browser's own business: no updates, no accounts, no first run.
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"],
});
const complaints = [];
try {
    const page = browser.pages()[0] ?? (await browser.newPage());
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
        if (!request.url().startsWith(`${base}/`) && !request.url().startsWith("data:")) {
            complaints.push(`the page asked for ${request.url()}`);
        }
    });

    await page.goto(`${base}/docs`);
    for (const operation of operations) {
        await page.locator(`.opblock[id$="-${operation}"]`).waitFor();
    }

    await page.locator(".btn.authorize").first().click();
    const bearer = page.locator(".auth-container", { hasText: "bearer" });
    await bearer.locator("input").fill(key);
    await bearer.locator("button[type=submit]").click();
    await page.locator(".btn-done").first().click();

    const block = page.locator('.opblock[id$="-create_issue"]');
    await block.locator(".opblock-summary-control").click();
    await block.locator("textarea.body-param__text").fill(JSON.stringify({ title }));
    await block.locator(".btn.execute").click();
    const answer = block.locator(".live-responses-table");
    await answer.locator(".response-col_status", { hasText: "201" }).waitFor();
    const body = JSON.parse(await answer.locator(".highlight-code pre").first().innerText());
    if (picture) {
        await page.screenshot({ path: picture });
    }
    if (complaints.length > 0) {
        throw new Error(complaints.join("\n"));
    }
    console.log(body.issue_id);
} catch (error) {
    console.error(complaints.join("\n"));
    throw error;
} finally {
    await browser.close();
}
