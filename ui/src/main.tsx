// Where the page begins.
import "./styles/tokens.css";
import "./styles/base.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { allArrived } from "./api/early";
import { queryClient } from "./api/queries";
import { Toasts } from "./components/Toast";
import { Tooltips } from "./components/Tooltip";
import { Live } from "./live/live";
import { router } from "./routes";
import { startTheme } from "./theme";

startTheme();
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
if (nonce) setNonce(nonce); // for the one style that dialogs put in, so that the page behind does not scroll
addEventListener("vite:preloadError", () => location.reload()); // the server has a newer page than this one

const SOON = 150; // milliseconds
const place = document.getElementById("page");
if (!place) throw new Error("the page has no place to be drawn in");
const root = createRoot(place);

// What comes soon is drawn at once with all around it, instead of first a page without it.
const soon = new Promise((done) => setTimeout(done, SOON));
void Promise.race([Promise.allSettled([router.load(), allArrived()]), soon]).then(() =>
  root.render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Tooltips>
          <Live>
            <RouterProvider router={router} />
          </Live>
          <Toasts />
        </Tooltips>
      </QueryClientProvider>
    </StrictMode>,
  ),
);
