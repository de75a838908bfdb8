import { Monitor, Moon, Sun } from "lucide-react";
import { IconButton } from "../components/Button";
import { Menu, MenuItem } from "../components/Menu";
import { setTheme, type Theme, useTheme } from "../theme";

const THEMES: readonly { name: Theme; label: string; icon: typeof Sun }[] = [
  { name: "light", label: "Light", icon: Sun },
  { name: "dark", label: "Dark", icon: Moon },
  { name: "system", label: "As the system", icon: Monitor },
];

/** Chooses between light and dark. */
export function ThemeSwitch() {
  const { chosen, shown } = useTheme();
  return (
    <Menu label="Colours" trigger={<IconButton label="Colours" icon={shown === "dark" ? <Moon /> : <Sun />} />}>
      {THEMES.map(({ name, label, icon: Icon }) => (
        <MenuItem key={name} chosen={chosen === name} icon={<Icon />} onSelect={() => setTheme(name)}>
          {label}
        </MenuItem>
      ))}
    </Menu>
  );
}
