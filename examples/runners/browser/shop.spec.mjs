import { expect, test } from "@playwright/test";

test("the page shows every article with its price", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("listitem")).toHaveText(["bread 3.1", "milk 1.2", "tea 4.5"]);
});

test("an unknown article is not found", async ({ request }) => {
  expect((await request.get("/articles/gold")).status()).toBe(404);
});
