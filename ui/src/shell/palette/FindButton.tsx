import "./palette.css";
import { Search } from "lucide-react";
import { Button } from "../../components/Button";
import { openPalette } from "./open";

/** Opens the palette, and says by which keys it opens as well. */
export function FindButton() {
  return (
    <Button small className="find" icon={<Search />} hint="Ctrl K" title="Find anything" onClick={openPalette}>
      Find
    </Button>
  );
}
